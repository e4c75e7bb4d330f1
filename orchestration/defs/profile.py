"""Profiles over time: the ledger of golden values. How it is kept: `orchestration.profile.history`."""

import dagster as dg

from orchestration.defs.run import OWNERS, WRITER, as_of, settings


@dg.asset(
    key=dg.AssetKey(["profile", "history"]),
    deps=[dg.AssetKey(["profile", "attributes"])],
    group_name="profile",
    owners=OWNERS,
    kinds={"duckdb"},
    pool=WRITER,
    description="Which golden value held from which day until which. One row per person, attribute, value and stay.",
)
def profile_history(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Keep what changed in golden values since the last run."""
    from orchestration.profile import history

    kept = history.keep(settings(), as_of(context), context.run_id)
    if kept.is_past:
        context.log.warning("the run looks from a day before the last one: history is not rewritten")
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": kept.count_values,
            "values_that_came": kept.count_came,
            "values_that_went": kept.count_went,
        }
    )
