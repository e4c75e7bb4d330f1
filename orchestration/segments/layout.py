"""Where rules find people and their acts: in the warehouse as it is, or in the snapshot that the last run left.

Both hold the same rows under the same column names; which rows a rule picks is in `compile`. The snapshot counts
people by number, since joining a million texts takes longer than a marketer waits for a preview; a run that evaluates
every segment numbers them first, for the same reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
from sqlglot import exp

from orchestration.segments import catalogue

OF_PRODUCTS = ("department", "category", "product_type", "brand_type", "manufacturer_id")
_NUMBERED = "inner join numbered using (person_id)"


@dataclass(frozen=True)
class Layout:
    """`key` names a person; `prefix` is the schema of the snapshot's tables, empty for the warehouse.

    `is_numbered`: the warehouse with the temporary tables that `number_people` makes.
    """

    key: str
    prefix: str = ""
    is_numbered: bool = False

    @property
    def people(self) -> str:
        """What has a row per person."""
        stored = self._stored("profile.people")
        return f"(select number, people.* from {stored} as people {_NUMBERED})" if self.is_numbered else stored

    def column(self, table: str, name: str) -> exp.Column:
        """A column of `people`, `features` or `scores`; the snapshot has all of them in one table."""
        if self.prefix:
            return exp.column(of_snapshot(table, name), table="people", quoted=True)
        return exp.column(name, table=table, quoted=True)

    def members_of(self, segment: str, model: str | None) -> exp.Select:
        """The people of a list or a dbt model, once each."""
        if self.prefix:
            return exp.select(self.key).from_("sets").where(exp.column("segment").eq(segment))
        members = exp.select(self.key).distinct().from_(model or list_table(segment))
        return members.join("numbered", using="person_id") if self.is_numbered else members

    def acts(self, table: str, looked_at: Sequence[exp.Expression]) -> tuple[exp.Select, exp.Column]:
        """Rows of an activity table as alias `acts`, those that belong to somebody; the column that names whom.

        With at least the columns that the expressions look at.
        """
        names = {column.name for made in looked_at for column in made.find_all(exp.Column)}
        source: Any = exp.to_table(self._stored(table)).as_("acts")
        if table == catalogue.LINES:
            source = self._lines(with_products=not names.isdisjoint((*OF_PRODUCTS, "product_id")))
        rows = exp.select().from_(source)
        if self.prefix:
            return rows, exp.column(self.key, table="acts")
        of_records = "numbered_records" if self.is_numbered else "identity.person_records"
        owners = rows.join(f"{of_records} as owners", on="acts.record_id = owners.record_id")
        return owners, exp.column(self.key, table="owners")

    def _lines(self, *, with_products: bool) -> exp.Subquery | exp.Table:
        named = (f"products.{name}" for name in OF_PRODUCTS)
        lines, products = self._stored("conformed.order_lines"), self._stored("conformed.products")
        if not with_products:
            return exp.to_table(lines).as_("acts")
        if not self.prefix:
            chosen = exp.select("lines.*", *named).from_(f"{lines} as lines")
            same = "lines.product_id = products.product_id"
            return chosen.join(f"{products} as products", on=same, join_type="left").subquery("acts")
        chosen = exp.select("lines.*", "products.product_id", *named).from_(f"{lines} as lines")
        # Every line has a product here, so that a filter on products is applied before people are counted.
        return chosen.join(f"{products} as products", on="lines.product = products.product").subquery("acts")

    def _stored(self, table: str) -> str:
        return f"{self.prefix}{table.rpartition('.')[2]}" if self.prefix else table


WAREHOUSE = Layout("person_id")
NUMBERED = Layout("number", is_numbered=True)
SNAPSHOT = Layout("number", "snapshot.main.")


def number_people(con: duckdb.DuckDBPyConnection) -> None:
    """Temporary tables numbered (number, person_id) and numbered_records (record_id, number), for `NUMBERED`."""
    con.execute(
        "create or replace temp table numbered as "
        "select (row_number() over () - 1)::uinteger as number, person_id from profile.people"
    )
    con.execute(
        "create or replace temp table numbered_records as "
        f"select record_id, number from identity.person_records {_NUMBERED}"
    )


def of_snapshot(table: str, name: str) -> str:
    """What a column of `people`, `features` or `scores` is called in the snapshot."""
    return name if table == "people" else f"{table}_{name}"


def list_table(segment: str) -> str:
    """The temporary table that holds the people of a list while its segment is evaluated."""
    return f"list_of_{segment}"
