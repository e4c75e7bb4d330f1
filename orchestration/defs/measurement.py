"""Measurement: months are closed here. What is kept and how: `orchestration.measurement.period_close`."""

from collections.abc import Iterator

import dagster as dg

from orchestration.defs.run import OWNERS, WRITER, as_of, settings
from orchestration.warehouse.describe import describe

_TABLES = {
    "closes": "Figures of months as they were when the month was closed. One row per month, measure and unit.",
    "closed_orders": "What those figures were made of, by changes. One row per order and closing that saw it changed.",
}


@dg.multi_asset(
    name="close_months",
    specs=[
        dg.AssetSpec(
            dg.AssetKey(["measurement", table]),
            deps=[
                dg.AssetKey(["measurement", "period_figures"]),
                dg.AssetKey(["measurement", "period_orders"]),
                dg.AssetKey(["identity", "ledger"]),
            ],
            description=description,
            group_name="measurement",
            owners=OWNERS,
            kinds={"python", "duckdb"},
        )
        for table, description in _TABLES.items()
    ],
    pool=WRITER,
)
def close_months(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    """Keep the figures of each month that has ended; a month that is closed stays as it is."""
    from orchestration.measurement import period_close

    closed = period_close.close_months(settings(), as_of=as_of(context))
    context.log.info(f"closed: {', '.join(f'{month:%Y-%m}' for month in closed) or 'no month'}")
    facts = describe(settings(), [("measurement", table) for table in _TABLES])
    for table in _TABLES:
        described = facts["measurement", table]
        yield dg.MaterializeResult(
            asset_key=dg.AssetKey(["measurement", table]),
            metadata={
                "dagster/row_count": described.count_rows,
                "dagster/column_schema": dg.TableSchema([dg.TableColumn(n, k) for n, k in described.columns]),
                "closed_months": len(closed),
            },
        )
