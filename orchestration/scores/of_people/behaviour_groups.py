"""Groups of people who behave alike, found without anybody naming them: k-means over features, with lasting labels.

A person is in the group whose centre is nearest; centres change only when the model is trained anew, and then each new
group takes the label of the old one that it shares most people with. Groups are told in words by what sets them apart.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.scores.of_people.drift import Reference
from orchestration.scores.of_people.learned import Learned, Measure
from orchestration.scores.threads import bounded

NAME = "behaviour_groups"
WATCHED = ("distance",)
# Each feature with the words for much and little of it.
TRAITS = {
    "count_orders_365d": ("buy often", "buy seldom"),
    "recency_days": ("have not come for long", "came lately"),
    "average_order_value_usd": ("fill large baskets", "fill small baskets"),
    "tenure_days": ("have long been customers", "are new"),
    "count_departments_365d": ("buy in many departments", "buy in few departments"),
    "top_department_share": ("keep to one department", "spread over departments"),
    "private_label_share": ("take own brands", "take name brands"),
    "price_sensitivity": ("look for discounts", "pay full prices"),
    "coupon_share": ("use coupons", "use no coupons"),
    "count_channels_365d": ("use many channels", "use one channel"),
    "count_web_events_91d": ("are active online", "are not online"),
    "email_open_rate": ("read our mail", "leave our mail unread"),
}
_GROUPS = range(4, 9)
_LEAST_PEOPLE, _MOST_PEOPLE, _JUDGED = 200, 50_000, 4_000
_SEED = 1
# A trait is told where the group's mean is so far from everybody's, in standard deviations.
_TOLD_FROM, _MOST_TOLD = 0.4, 3


@dataclass(frozen=True)
class Groups:
    """What was learned: the scale of features, a centre a group, its label and its description."""

    names: tuple[str, ...]
    scale: Any
    centres: np.ndarray
    labels: tuple[str, ...]
    descriptions: tuple[str, ...]

    def placed(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The nearest group of each person, and the distance to its centre."""
        apart = np.linalg.norm(self._scaled(rows)[:, None, :] - self.centres[None, :, :], axis=2)
        nearest = apart.argmin(axis=1)
        return nearest, apart[np.arange(len(rows)), nearest]

    def _scaled(self, rows: np.ndarray) -> np.ndarray:
        return _scaled(self.scale, rows)


def _scaled(scale: Any, rows: np.ndarray) -> np.ndarray:
    """By rank, so that one who buys a hundred times as much is not a group; what is not known is in the middle."""
    return np.nan_to_num(scale.transform(rows) - 0.5, nan=0.0) if len(rows) else np.zeros((0, rows.shape[1]))


def _people(con: duckdb.DuckDBPyConnection) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Ids and features of people who bought within a year, and the names of those features that there are."""
    there = set(con.table("features.people").columns)
    names = tuple(name for name in TRAITS if name in there)
    found = con.execute(
        f"select person_id, {', '.join(f'{name}::double as {name}' for name in names)} from features.people "
        "where count_orders_365d > 0 order by person_id"
    ).fetchnumpy()
    rows = np.column_stack([np.ma.filled(np.ma.asarray(found[name]).astype(float), np.nan) for name in names])
    return found["person_id"], rows, names


def learn(con: duckdb.DuckDBPyConnection, as_of: date) -> Learned:
    """As many groups as part people best (silhouette, Rousseeuw 1987), from the features as of the day."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score
    from sklearn.preprocessing import QuantileTransformer

    people, rows, names = _people(con)
    if len(people) < _LEAST_PEOPLE:
        return Learned(None, as_of, notes=[f"{len(people):,} people bought within a year: too few for groups"])
    chance = np.random.default_rng(_SEED)
    drawn = rows if len(rows) <= _MOST_PEOPLE else rows[chance.choice(len(rows), _MOST_PEOPLE, replace=False)]
    scale = QuantileTransformer(n_quantiles=min(200, len(drawn)), random_state=_SEED).fit(drawn)
    scaled = _scaled(scale, drawn)
    judged = chance.choice(len(scaled), min(_JUDGED, len(scaled)), replace=False)
    tried = {}
    with bounded(len(scaled)):
        for count in _GROUPS:
            found = KMeans(count, n_init=4, random_state=_SEED).fit(scaled)
            tried[count] = (float(silhouette_score(scaled[judged], found.labels_[judged])), found)
    count = max(tried, key=lambda one: tried[one][0])
    order = np.argsort(-np.bincount(tried[count][1].labels_), kind="stable")
    centres = tried[count][1].cluster_centers_[order]
    labels = tuple(f"group_{place}" for place in range(1, count + 1))
    groups = Groups(names, scale, centres, labels, tuple(_described(names, centre, scaled) for centre in centres))
    measured = [
        Measure("behaviour_group", f"{one} groups", False, one == count, "silhouette", value, as_of, None, len(judged))
        for one, (value, _) in tried.items()
    ]
    _, distance = groups.placed(rows)
    reference = {"distance": Reference.learned(distance)}
    return Learned(None, as_of, len(rows), groups, {"behaviour_group": f"{count} groups"}, measured, {}, reference)


def _described(names: tuple[str, ...], centre: np.ndarray, scaled: np.ndarray) -> str:
    """What sets the group apart, the most telling first."""
    spread = np.maximum(scaled.std(axis=0), 1e-9)
    apart = (centre - scaled.mean(axis=0)) / spread
    told = [place for place in np.argsort(-np.abs(apart)) if abs(apart[place]) >= _TOLD_FROM][:_MOST_TOLD]
    return ", ".join(TRAITS[names[place]][0 if apart[place] > 0 else 1] for place in told) or "like everybody"


def follow(con: duckdb.DuckDBPyConnection, learned: Learned, before: Learned | None) -> Learned:
    """The same groups with the labels of those before that they share most people with; what is new gets a new one."""
    from scipy.optimize import linear_sum_assignment

    if learned.content is None or before is None or before.content is None:
        return learned
    new, old = learned.content, before.content
    if new.names != old.names:
        return learned
    _, rows, _ = _people(con)
    shared = np.zeros((len(new.labels), len(old.labels)))
    np.add.at(shared, (new.placed(rows)[0], old.placed(rows)[0]), 1)
    kept = {int(one): old.labels[other] for one, other in zip(*linear_sum_assignment(-shared), strict=True)
            if shared[one, other] > 0}  # fmt: skip
    used = {int(label.rsplit("_", 1)[1]) for label in old.labels}
    fresh = (f"group_{number}" for number in range(max(used) + 1, max(used) + 1 + len(new.labels)))
    labels = tuple(kept.get(place) or next(fresh) for place in range(len(new.labels)))
    stayed = sum(shared[one, old.labels.index(label)] for one, label in kept.items()) / max(len(rows), 1)
    note = f"{stayed:.0%} of people keep the label they had by the model before"
    return replace(learned, content=replace(new, labels=labels), notes=[*learned.notes, note])


def said(con: duckdb.DuckDBPyConnection, learned: Learned, as_of: date) -> pa.Table:
    """One row per person who bought within a year: person_id, behaviour_group, description, distance to its centre."""
    groups = learned.content
    if groups is None:
        nobody = {name: pa.array([], pa.string()) for name in ("person_id", "behaviour_group", "description")}
        return pa.table(nobody | {"distance": pa.array([], pa.float64())})
    people, rows, _ = _people(con)
    nearest, distance = groups.placed(rows)
    return pa.table({
        "person_id": pa.array(people, pa.string()),
        "behaviour_group": pa.array([groups.labels[place] for place in nearest], pa.string()),
        "description": pa.array([groups.descriptions[place] for place in nearest], pa.string()),
        "distance": pa.array(distance, pa.float64()),
    })  # fmt: skip
