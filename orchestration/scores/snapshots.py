"""Customers as they were known on a day, and what they did after it: no feature sees a later row.

Reads table `days` (i, day, amount, purchases, returned) of `transactions`; arrays are in the order of `i`.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import numpy as np

from orchestration.scores.repeat_purchases import History

_YEAR = 365
# Windows back from the day, in horizons.
_WINDOWS = (0.25, 0.5, 1.0, 2.0, 4.0)
DAYS_PER_WEEK = 7.0


TARGETS = ("active", "purchases", "spend")


@dataclass(frozen=True)
class Forecast:
    """By customer: the chance of a purchase in the horizon, and what to expect of purchase days and of spend.

    A target that a method does not speak of is None.
    """

    active: np.ndarray | None
    purchases: np.ndarray | None
    spend: np.ndarray | None


@dataclass(frozen=True)
class Snapshot:
    """Who was known at the end of `day`: `customer` (i), `features` (customers x names), and what followed, if known.

    `history`: purchases for BG/NBD in weeks; `known` whether there was any; `count` and `mean`: purchase days and their
    mean amount; `purchases` (days) and `spend` of the horizon are None where it lies ahead.
    """

    day: date
    horizon_days: int
    customer: np.ndarray
    names: list[str]
    features: np.ndarray
    history: History
    known: np.ndarray
    count: np.ndarray
    mean: np.ndarray
    purchases: np.ndarray | None = None
    spend: np.ndarray | None = None

    def column(self, name: str) -> np.ndarray:
        """One feature."""
        return self.features[:, self.names.index(name)]


def taken(con: duckdb.DuckDBPyConnection, day: date, horizon_days: int, *, is_past: bool, one_in: int = 1) -> Snapshot:
    """The snapshot of a day, with what followed where the horizon is past; of one in so many customers."""
    found = con.execute(_features_sql(horizon_days), {"day": day, "one_in": one_in}).fetchnumpy()
    base = {name: np.ma.filled(found.pop(name).astype(float), np.nan) for name in ("last_week", "age_week", "paid")}
    customer = np.asarray(found.pop("i"), dtype=np.int64)
    names = list(found)
    features = np.column_stack([np.ma.filled(np.ma.asarray(found[name]).astype(float), np.nan) for name in names])
    count = features[:, names.index("count_purchases")]
    seen = count > 0
    history = History(
        np.maximum(count - 1, 0), np.where(seen, base["last_week"], 0.0), np.where(seen, base["age_week"], 0.0)
    )
    mean = np.where(seen, base["paid"] / np.maximum(count, 1), np.nan)
    known = Snapshot(day, horizon_days, customer, names, features, history, seen, count, mean)
    if not is_past:
        return known
    end = day + timedelta(days=horizon_days)
    after = con.execute(_AFTER, {"day": day, "end": end, "one_in": one_in}).fetchnumpy()
    return Snapshot(**{**vars(known), "purchases": np.asarray(after["purchases"], dtype=float),
                       "spend": np.asarray(after["spend"], dtype=float)})  # fmt: skip


# Those who were known on the day, also where they did nothing after it.
_AFTER = """
    with known as (select distinct i from days where day <= $day and i % $one_in = 0),
    later as (
        select i, count(*) filter (purchases > 0) as purchases, sum(amount) as spend from days
        where day > $day and day <= $end group by i
    )
    select i, coalesce(purchases, 0) as purchases, coalesce(spend, 0) as spend
    from known left join later using (i) order by i
"""


def _features_sql(horizon_days: int) -> str:
    windows = sorted({max(round(share * horizon_days), 1) for share in _WINDOWS} | {_YEAR})
    windowed = ", ".join(
        f"count(*) filter (bought and ago < {days}) as purchases_{days}d, "
        f"coalesce(sum(amount) filter (ago < {days}), 0) as spend_{days}d"
        for days in windows
    )
    # The same time a year ago: who buys for a season comes back with it.
    season = f"bought and ago >= {_YEAR - horizon_days} and ago < {_YEAR}"
    return f"""
        with known as (
            select
                i,
                day,
                amount,
                returned,
                purchases > 0 as bought,
                date_diff('day', day, $day) as ago,
                case when purchases > 0 then date_diff('day',
                    lag(day) over (partition by i, purchases > 0 order by day), day) end as gap
            from days
            where day <= $day and i % $one_in = 0
        )
        select
            i,
            count(*) filter (bought) as count_purchases,
            sum(amount) as spend_all,
            avg(amount) filter (bought) as mean_amount,
            max(amount) filter (bought) as most_amount,
            arg_max(amount, day) filter (bought) as last_amount,
            stddev_pop(amount) filter (bought) as spread_amount,
            coalesce(sum(returned), 0) as returned,
            min(ago) filter (bought) as recency,
            max(ago) as age,
            avg(gap) as mean_gap,
            stddev_pop(gap) as spread_gap,
            arg_max(gap, day) filter (bought) as last_gap,
            min(ago) filter (bought) / nullif(avg(gap), 0) as recency_in_gaps,
            count(*) filter (bought) / (max(ago) + 1) as rate,
            count(*) filter ({season}) as purchases_last_year,
            count(distinct date_trunc('month', day)) filter (bought) as months,
            {windowed},
            coalesce(max(ago) filter (bought) - min(ago) filter (bought), 0) / {DAYS_PER_WEEK} as last_week,
            coalesce(max(ago) filter (bought), 0) / {DAYS_PER_WEEK} as age_week,
            coalesce(sum(amount) filter (bought and amount > 0), 0) as paid
        from known
        group by i
        order by i
    """
