"""Who will buy again and for how much: chances in 4 and 8 weeks, purchase days and spend of 12 weeks.

The methods are those of `tessera clv`; here they speak of people, and the model is kept between runs.
"""

from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.scores import forecasts, judging
from orchestration.scores.forecasts import Method, Past
from orchestration.scores.judging import Judged
from orchestration.scores.of_people import days
from orchestration.scores.of_people.drift import Reference
from orchestration.scores.of_people.learned import Learned, Measure, Tenth
from orchestration.scores.snapshots import Snapshot

NAME = "purchases"
WATCHED = ("purchase_probability_28d", "purchase_probability_56d", "expected_orders_84d", "expected_spend_84d")
# Days ahead, the targets, and their columns. Steps of snapshots fall on the same days, so that each is made once.
_ASKED = (
    (28, ("active",), ("purchase_probability_28d",)),
    (56, ("active",), ("purchase_probability_56d",)),
    (84, ("purchases", "spend"), ("expected_orders_84d", "expected_spend_84d")),
)
_INTERVAL = (0.1, 0.9)
_BINS, _LEAST_IN_BIN = 20, 30
# Learning takes time in proportion to people; of more than these a part is drawn.
_LEARNED_PEOPLE = 100_000
TIERS = ((0.01, "top_1"), (0.05, "top_5"), (0.10, "top_10"), (0.25, "top_25"), (0.50, "top_50"))


@dataclass(frozen=True)
class Interval:
    """What the middle 80 % of customers spent of whom as much was expected: by expectation, ascending.

    Empirical quantiles by bin of the forecast on a horizon that the forecast had not seen (split conformal prediction
    with bins: Vovk and others, Algorithmic Learning in a Random World, 2005).
    """

    expected: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def learned(cls, said: np.ndarray, came: np.ndarray) -> "Interval | None":
        """None where there are too few customers."""
        if len(said) < _LEAST_IN_BIN:
            return None
        parts = np.array_split(np.argsort(said, kind="stable"), min(_BINS, len(said) // _LEAST_IN_BIN))
        low, high = (np.array([np.quantile(came[part], share) for part in parts]) for share in _INTERVAL)
        # Who is expected to spend more is not expected to spend less at worst.
        return cls(
            np.array([said[part].mean() for part in parts]), np.maximum.accumulate(low), np.maximum.accumulate(high)
        )

    def around(self, said: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Low and high for each expectation; the expectation itself is never outside."""
        low = np.interp(said, self.expected, self.low)
        # Beyond the last bin the interval stays as wide in proportion.
        beyond = np.maximum(said / max(self.expected[-1], 1e-9), 1.0)
        high = np.interp(said, self.expected, self.high) * beyond
        return np.minimum(low, said), np.maximum(high, said)


@dataclass(frozen=True)
class Content:
    """The chosen method of each (days ahead, target), and the interval around expected spend."""

    methods: dict[tuple[int, str], Method]
    interval: Interval | None


def learn(con: duckdb.DuckDBPyConnection, as_of: date) -> Learned:
    """Choose, measure and learn every target as of a day."""
    first = days.prepare(con, as_of, _LEARNED_PEOPLE)
    if first is None:
        return Learned(None, as_of, notes=["nobody has bought anything yet"])
    past = Past(con, first)
    methods: dict[tuple[int, str], Method] = {}
    measured: list[Measure] = []
    tenths: dict[str, list[Tenth]] = {}
    chosen: dict[str, str] = {}
    notes: dict[str, None] = {}
    interval = None
    for ahead, targets, columns in _ASKED:
        now = past.snapshot(as_of, ahead, is_past=False)
        found = forecasts.learned(past, now, targets)
        last, before = (judging.judged(past, as_of, ahead, back, targets) for back in (1, 2))
        picked, told = judging.chosen(last, before, set(found), targets)
        notes |= {f"{ahead} days: {note}": None for note in told}
        for target, column in zip(targets, columns, strict=True):
            methods[ahead, target] = found[picked[target]]
            chosen[column] = picked[target]
            if last:
                measured += _measures(last, target, column, picked[target])
                tenths[column] = judging.deciles(last, picked[target], target)
        if last and "spend" in targets:
            interval, coverage = _interval(last, before, picked["spend"])
            measured += coverage
    learned = Learned(
        first, as_of, len(now.customer), Content(methods, interval), chosen, measured, tenths, {}, [*notes]
    )
    said = _said(past, learned, as_of)
    return Learned(**{**vars(learned), "reference": {name: Reference.learned(said[name]) for name in WATCHED}})


def _measures(last: Judged, target: str, column: str, used: str) -> list[Measure]:
    found = judging.figures(last, (target,))
    return [
        Measure(column, method, method in forecasts.BASELINES, method == used, name, value, last.snapshot.day,
                last.snapshot.horizon_days, len(last.snapshot.customer))
        for method, row in found.items() for name, value in row.items()
    ]  # fmt: skip


def _interval(last: Judged, before: Judged | None, used: str) -> tuple[Interval | None, list[Measure]]:
    """The interval from the last horizon; its coverage there is that of the interval from the one before."""
    came, said = judging.truth(last, "spend"), last.said[used].spend
    coverage = []
    earlier = (
        before and used in before.said and Interval.learned(before.said[used].spend, judging.truth(before, "spend"))
    )
    if earlier:
        low, high = earlier.around(said)
        share = float(np.mean((came >= low) & (came <= high)))
        coverage = [Measure("expected_spend_84d", used, False, True, "share inside low and high", share,
                            last.snapshot.day, last.snapshot.horizon_days, len(came))]  # fmt: skip
    return Interval.learned(said, came), coverage


def said(con: duckdb.DuckDBPyConnection, learned: Learned, as_of: date) -> pa.Table:
    """One row per person who ever bought: person_id, WATCHED, low and high of the spend, and value_tier."""
    first = days.prepare(con, as_of)
    if first is None or learned.content is None:
        return _table(con, {"i": np.zeros(0, dtype=np.int64)} | dict.fromkeys((*WATCHED, "low", "high"), np.zeros(0)))
    return _table(con, _said(Past(con, first), learned, as_of))


def _said(past: Past, learned: Learned, as_of: date) -> dict[str, np.ndarray]:
    """Arrays by person who ever bought, by column; `i` is their number."""
    found: dict[str, np.ndarray] = {}
    for ahead, targets, columns in _ASKED:
        now = past.snapshot(as_of, ahead, is_past=False)
        found["i"] = now.customer[now.known]
        for target, column in zip(targets, columns, strict=True):
            found[column] = _of(learned.content.methods[ahead, target], now, target)
    spend, interval = found["expected_spend_84d"], learned.content.interval
    nothing = np.full(len(spend), np.nan)
    found["low"], found["high"] = interval.around(spend) if interval else (nothing, nothing)
    return found


def _of(method: Method, now: Snapshot, target: str) -> np.ndarray:
    values = getattr(method.said(now), target)[now.known]
    return np.clip(values, 0.0, 1.0) if target == "active" else np.maximum(values, 0.0)


def _table(con: duckdb.DuckDBPyConnection, columns: dict[str, np.ndarray]) -> pa.Table:
    con.register("said_in", pa.table(columns))
    tiers = " ".join(f"when place < {share} then '{name}'" for share, name in TIERS)
    try:
        return con.execute(
            f"""
            select
                person_id,
                purchase_probability_28d,
                purchase_probability_56d,
                expected_orders_84d,
                expected_spend_84d::decimal(18, 2) as expected_spend_84d_usd,
                (case when isnan(low) then null else low end)::decimal(18, 2) as expected_spend_84d_low_usd,
                (case when isnan(high) then null else high end)::decimal(18, 2) as expected_spend_84d_high_usd,
                case {tiers} else 'rest' end as value_tier
            from (select *, percent_rank() over (order by expected_spend_84d desc) as place from said_in)
            inner join people_who_bought using (i)
            order by person_id
            """
        ).to_arrow_table()
    finally:
        con.unregister("said_in")
