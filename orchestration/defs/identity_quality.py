"""Identity QA: figures of the people found after each run, a check for each limit, and a queue for stewards.

What is measured and how much is too much is declared in `orchestration.identity.quality.limits`.
"""

from collections.abc import Iterator

import dagster as dg

from orchestration.defs.run import OWNERS, WRITER, as_of, settings
from orchestration.identity.quality import limits
from orchestration.warehouse.describe import describe

_QUALITY = dg.AssetKey(["identity", "quality"])
_QUEUE = dg.AssetKey(["identity", "review_queue"])
_TABLES = {
    _QUALITY: "How good the people found are, without labels and with. One row per measure, bucket and run.",
    _QUEUE: "Pairs a steward should look at, the most uncertain first. One row per pair.",
}
_FROM = [
    dg.AssetKey(["conformed", "contacts"]),
    dg.AssetKey(["conformed", "identifiers"]),
    dg.AssetKey(["identity", "person_records"]),
    dg.AssetKey(["identity", "people"]),
    dg.AssetKey(["identity", "links"]),
    dg.AssetKey(["identity", "ledger"]),
]
_BAR = 40


@dg.multi_asset(
    name="measure_identity",
    specs=[
        dg.AssetSpec(
            key,
            deps=_FROM,
            description=description,
            group_name="identity",
            owners=OWNERS,
            kinds={"python", "splink", "duckdb"},
        )
        for key, description in _TABLES.items()
    ],
    check_specs=[
        dg.AssetCheckSpec(
            name, asset=_QUALITY, description=f"{limits.MEASURES[name].what}: {limits.MEASURES[name].told()}"
        )
        for name in limits.JUDGED
    ],
    pool=WRITER,
)
def measure_identity(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Measure the partition that is served; counted anew only when it, labels or decisions changed."""
    from orchestration.identity.quality import history

    found = history.measure(settings(), as_of=as_of(context))
    context.log.info(f"identity QA of run {found.run_id}: {'measured' if found.is_new else 'measured before'}")
    facts = describe(settings(), [("identity", key.path[1]) for key in _TABLES])
    numbers = {measure: value for measure, bucket, value in found.figures if bucket is None}
    charts = {name: dg.MetadataValue.md(_histogram(name, found.figures)) for name in limits.HISTOGRAMS}
    for key in _TABLES:
        table = facts["identity", key.path[1]]
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                "dagster/row_count": table.count_rows,
                "dagster/column_schema": dg.TableSchema([dg.TableColumn(n, k) for n, k in table.columns]),
                **(numbers | charts if key == _QUALITY else {}),
            },
        )
    yield from (_check(name, found.figures, numbers.get(name)) for name in limits.JUDGED)


def _check(name: str, figures: list[tuple[str, str | None, float]], value: float | None) -> dg.AssetCheckResult:
    """A figure outside its limits is a warning: it asks for a look, and stops nothing."""
    from orchestration.identity.quality.measures import judgement

    limit = limits.MEASURES[name]
    is_fine = True if value is None else judgement(figures, name, None, value)
    told = f"{limit.what}: {limit.told()}"
    return dg.AssetCheckResult(
        check_name=name,
        asset_key=_QUALITY,
        passed=is_fine is not False,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"what": f"{told}; found {'nothing to count' if value is None else f'{value:.4g}'}"}
        | ({} if value is None else {"value": value}),
    )


def _histogram(name: str, figures: list[tuple[str, str | None, float]]) -> str:
    """The buckets of a histogram as a Markdown table with bars."""
    buckets = [(bucket, value) for measure, bucket, value in figures if measure == name]
    top = max([value for _, value in buckets], default=0) or 1
    rows = [f"| {bucket} | {value:,.0f} | {'█' * round(value / top * _BAR) or '▏' * bool(value)} |"
            for bucket, value in buckets]  # fmt: skip
    return "\n".join([f"{limits.MEASURES[name].what}", "", "| from | count | |", "|---:|---:|:---|", *rows])
