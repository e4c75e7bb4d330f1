"""What a table is like, for the metadata of the step that built it: rows and columns, never values."""

from collections.abc import Iterable
from dataclasses import dataclass

from orchestration.settings import Settings
from orchestration.warehouse import engine


@dataclass(frozen=True)
class TableFacts:
    """Rows, and columns as (name, type) in their order."""

    count_rows: int
    columns: tuple[tuple[str, str], ...]


def describe(settings: Settings, tables: Iterable[tuple[str, str]]) -> dict[tuple[str, str], TableFacts]:
    """Facts of each (schema, table) that exists in the warehouse."""
    wanted = set(tables)
    if not wanted or not settings.warehouse.exists():
        return {}
    facts = {}
    with engine.reading(settings) as con:
        rows = con.execute(
            "select table_schema, table_name, list((column_name, data_type) order by ordinal_position) "
            "from information_schema.columns where table_catalog = 'warehouse' group by all"
        ).fetchall()
        for schema, table, columns in rows:
            if (schema, table) in wanted:
                count = con.execute(f'select count(*) from "{schema}"."{table}"').fetchall()[0][0]
                facts[schema, table] = TableFacts(count, tuple(columns))
    return facts
