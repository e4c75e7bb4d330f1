"""Scores of people: the op that lets the models in use speak, and the job that trains them anew.

What a score is and how it learns: `orchestration.scores.of_people`.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration.defs.run import OWNERS, WRITER, as_of, settings
from orchestration.warehouse.describe import describe

_SCORES = {
    "purchases": "Who will buy again and for how much. One row per person who ever bought.",
    "coupon_response": "Who will redeem a coupon of the next campaign. One row per person it can reach.",
    "behaviour_groups": "Groups of people who behave alike. One row per person who bought within a year.",
    "next_products": "What each person is likely to buy next, and what is new. One row per person, kind and place.",
}
_ABOUT = {
    "models": "Models that were ever in use, with the window they learned from. One row per score and version.",
    "measures": "How good each method was on unseen days. One row per score, version, target, method and measure.",
    "tenths": "What was said and what came, by tenths of people. One row per score, version, target and tenth.",
    "runs": "What a model said on a day, and how far that has moved. One row per score, column and day.",
}
_FROM = [
    dg.AssetKey(path)
    for path in (
        ["conformed", "orders"],
        ["conformed", "order_lines"],
        ["conformed", "products"],
        ["conformed", "campaigns"],
        ["conformed", "coupon_redemptions"],
        ["conformed", "interactions"],
        ["identity", "person_records"],
        ["features", "people"],
    )
]
_RECENT, _STABLE, _BETTER = "model_is_recent", "population_is_stable", "better_than_plain_rules"
_WATCHED = {
    _RECENT: "The model was trained within the last 92 days.",
    _STABLE: "What the model says of people is spread as it was when it was trained.",
    _BETTER: "A model speaks, not a plain rule that was as good.",
}


def _key(table: str) -> dg.AssetKey:
    return dg.AssetKey(["scores", table])


@dg.multi_asset(
    name="score_people",
    specs=[
        dg.AssetSpec(
            _key(table), deps=_FROM, description=description, group_name="scores", owners=OWNERS,
            kinds={"python", "scikitlearn", "duckdb"},
        )
        for table, description in (_SCORES | _ABOUT).items()
    ],
    check_specs=[
        dg.AssetCheckSpec(name, asset=_key(table), description=what)
        for table in _SCORES for name, what in _WATCHED.items()
    ],
    pool=WRITER,
)  # fmt: skip
def score_people(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Let the models in use speak of people; a score without a usable model is trained first."""
    from orchestration.scores.of_people import run, shown

    spoken = {one.score: one for one in run.score(settings(), as_of(context), context.run_id)}
    facts = describe(settings(), [("scores", table) for table in _SCORES | _ABOUT])
    for table in _SCORES | _ABOUT:
        found = facts["scores", table]
        told: dict[str, Any] = {}
        if one := spoken.get(table):
            context.log.info(f"{table}: {one.count_rows:,} rows by model {one.kept.version}")
            told = {
                "model_version": one.kept.version,
                "model_age_days": one.age_days,
                "measured": dg.MetadataValue.md(shown.as_markdown(one.kept.learned)),
                **{f"psi_{name}": value for name, value in one.stability.items() if value is not None},
                **{f"mean_{name}": value for name, value in one.means.items() if value is not None},
            }
        yield dg.MaterializeResult(
            asset_key=_key(table),
            metadata={
                "dagster/row_count": found.count_rows,
                "dagster/column_schema": dg.TableSchema([dg.TableColumn(n, k) for n, k in found.columns]),
                **told,
            },
        )
    for one in spoken.values():
        yield from _checks(one)


def _checks(one: Any) -> Iterator[dg.AssetCheckResult]:
    """Each is a warning: scores are written, and somebody should look."""
    from orchestration.scores.of_people.run import MOST_DAYS

    plain = [name for name, method in one.kept.learned.chosen.items() if one.is_plain(method)]
    moved = ", ".join(f"{name} {value:.2f}" for name, value in one.moved.items())
    found = {
        _RECENT: (one.age_days <= MOST_DAYS, f"trained {one.age_days} days before; run the job retrain_scores"),
        _STABLE: (not one.moved, f"moved since training: {moved or 'nothing'}; look why, then run retrain_scores"),
        _BETTER: (not plain, f"a plain rule speaks of {', '.join(plain) or 'nothing'}"),
    }
    for name, (is_fine, what) in found.items():
        yield dg.AssetCheckResult(
            check_name=name,
            asset_key=_key(one.score),
            passed=is_fine,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"what": _WATCHED[name] if is_fine else what},
        )


@dg.op(pool=WRITER)
def train_scores(context: dg.OpExecutionContext) -> None:
    """Learn every score from what is known now; the new models speak from the next run on."""
    from orchestration.scores.of_people import run, shown

    for name, kept in run.retrain(settings(), as_of(context), context.run_id).items():
        context.log.info(f"{name}, model {kept.version}\n{shown.as_text(kept.learned)}")


@dg.job(description="Train every score anew; the models speak from the next scoring on.")
def retrain_scores() -> None:
    train_scores()


# Trained on the first of a month, before the daily run scores with it.
retrain_schedule = dg.ScheduleDefinition(
    name="retrain_scores_schedule",
    job=retrain_scores,
    cron_schedule="0 2 1 * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
