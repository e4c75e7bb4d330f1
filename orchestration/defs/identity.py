"""Identity: the op that resolves records into people with ids that last. How it is done: `orchestration.identity`."""

from collections.abc import Iterator

import dagster as dg

from orchestration.defs.run import OWNERS, WRITER, as_of, settings
from orchestration.warehouse.describe import describe

TABLES = {
    "person_records": "Which person each record belongs to. One row per record.",
    "links": "The evidence: pairs of records and what joins them. One row per pair and rule.",
    "people": "People. One row per person id in use.",
    "skipped_identifiers": "Identifiers too common to be evidence. One row per identifier.",
}


@dg.multi_asset(
    name="resolve_identity",
    specs=[
        dg.AssetSpec(
            dg.AssetKey(["identity", table]),
            deps=[dg.AssetKey(["conformed", "contacts"]), dg.AssetKey(["conformed", "identifiers"])],
            description=description,
            group_name="identity",
            owners=OWNERS,
            kinds={"python", "splink", "duckdb"},
        )
        for table, description in TABLES.items()
    ],
    pool=WRITER,
)
def resolve_identity(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    """Resolve every record; skipped when neither records, model nor decisions changed."""
    from orchestration.identity.resolve import resolve

    metrics = resolve(settings(), as_of=as_of(context), run_id=context.run_id)
    context.log.info(f"identity: {metrics}")
    tables = describe(settings(), [("identity", table) for table in TABLES])
    for table in TABLES:
        facts = tables["identity", table]
        numbers = metrics if table == "people" else {}
        yield dg.MaterializeResult(
            asset_key=dg.AssetKey(["identity", table]),
            metadata={
                "dagster/row_count": facts.count_rows,
                "dagster/column_schema": dg.TableSchema([dg.TableColumn(n, k) for n, k in facts.columns]),
                **{name: value for name, value in numbers.items() if isinstance(value, int | float | str)},
            },
        )
