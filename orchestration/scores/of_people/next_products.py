"""What will be in the next basket: products each person is likely to buy again, and new ones to try.

Trees say of each candidate how likely it is in the next basket; they learn from baskets of the past months.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.scores import trees
from orchestration.scores.of_people import basket_candidates
from orchestration.scores.of_people.basket_candidates import NUMBERS
from orchestration.scores.of_people.drift import Reference
from orchestration.scores.of_people.learned import Learned, Measure
from orchestration.scores.threads import bounded

NAME = "next_products"
WATCHED = ("probability",)
BASELINES = ("popular", "personal_top", "personal_recent")
METHODS = (*BASELINES, "boosted")
_ORDER = {"popular": "product_people_28d", "personal_top": "baskets", "personal_recent": "faded_slowly"}
MOST_PRODUCTS, _MOST_NEW = 10, 5
# A basket counts as the next one within these days; snapshots to learn from lie as many days apart.
_WITHIN_DAYS, _SNAPSHOTS = 28, 2
_MOST_ROWS, _LEAST_ROWS, _LEAST_HITS = 80_000, 2_000, 100
# So many people are enough to learn from, and so many to know how a model speaks.
_LEARNED_PEOPLE = 2_000
_REFERENCE_PEOPLE = 1_000
# People whose candidates are judged at once: bounds memory.
_AT_ONCE = 50_000
_MARGIN = 0.005
_SEED = 1
_NOBODY = (
    "select null::varchar as person_id, null::varchar as product_id, null::varchar as kind, 0::bigint as place, "
    "null::double as probability, null::boolean as is_repeat where false"
)


@dataclass(frozen=True)
class _Cases:
    """Candidates as known on a day, and whether each came: `rows` has NUMBERS, `hit` 0 or 1."""

    day: date
    person: np.ndarray
    product: np.ndarray
    rows: np.ndarray
    hit: np.ndarray


def learn(con: duckdb.DuckDBPyConnection, as_of: date) -> Learned:
    """Choose on the month before the last, measure on the last, learn from the latest."""
    first = basket_candidates.prepare(con, as_of)
    if first is None:
        return Learned(None, as_of, notes=["nobody has bought a product yet"])
    people = con.execute("select count(distinct person_id) from baskets").fetchall()[0][0]
    one_in = max(-(-people // _LEARNED_PEOPLE), 1)
    wanted = [as_of - timedelta(days=_WITHIN_DAYS * back) for back in range(1, _SNAPSHOTS + 3)]
    cases = [_cases(con, day, one_in) for day in wanted if (day - first).days >= _WITHIN_DAYS]
    model = _fitted(cases[:_SNAPSHOTS])
    chosen, measured = _judged(con, cases)
    if model is None:
        chosen = "personal_recent"
    notes = [] if measured else ["too little history for a holdout: nothing here is measured"]
    learned = Learned(first, as_of, sum(len(one.hit) for one in cases[:_SNAPSHOTS]), (chosen, model),
                      {"probability": chosen}, measured, {}, {}, notes)  # fmt: skip
    basket_candidates.products(con, as_of)
    basket_candidates.told(con, as_of, max(people // _REFERENCE_PEOPLE, 1))
    spoken = _named(con, chosen, model)["probability"].to_numpy(zero_copy_only=False)
    return Learned(**{**vars(learned), "reference": {"probability": Reference.learned(spoken)}})


def _cases(con: duckdb.DuckDBPyConnection, day: date, one_in: int) -> _Cases:
    """Candidates of people who came within the days after a day."""
    basket_candidates.products(con, day)
    basket_candidates.told(con, day, one_in)
    basket_candidates.came(con, day, _WITHIN_DAYS)
    found = con.execute(
        f"select person_id, product, {', '.join(NUMBERS)}, came.product is not null as hit "
        "from told left join came using (person_id, product) where person_id in (select person_id from came) "
        "order by all"
    ).fetchnumpy()
    return _Cases(day, found["person_id"], found["product"], _matrix(found), np.asarray(found["hit"], dtype=int))


def _matrix(found: dict[str, Any]) -> np.ndarray:
    columns = [np.ma.filled(np.ma.asarray(found[name]).astype(np.float32), np.nan) for name in NUMBERS]
    return np.column_stack(columns)


def _fitted(cases: list[_Cases]) -> Any:
    """Trees over the candidates of some days; None where there is too little to learn from."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    if not cases:
        return None
    rows, hit = np.vstack([one.rows for one in cases]), np.concatenate([one.hit for one in cases])
    if len(rows) < _LEAST_ROWS or hit.sum() < _LEAST_HITS:
        return None
    if len(rows) > _MOST_ROWS:
        kept = np.random.default_rng(_SEED).choice(len(rows), _MOST_ROWS, replace=False)
        rows, hit = rows[kept], hit[kept]
    model = HistGradientBoostingClassifier(
        learning_rate=0.1, max_iter=80, max_leaf_nodes=20, min_samples_leaf=100, random_state=_SEED,
        early_stopping=False,
    )  # fmt: skip
    return trees.fitted(model, rows, hit)


def _judged(con: duckdb.DuckDBPyConnection, cases: list[_Cases]) -> tuple[str, list[Measure]]:
    """The method that was best in the month before the last, and how good each was in the last."""
    recalls = []
    for place in (1, 0):
        model = _fitted(cases[place + 1 : place + 1 + _SNAPSHOTS])
        if len(cases) <= place or model is None:
            continue
        recalls.append(_recall(con, cases[place], model))
    if not recalls:
        return "boosted", []
    best = max(found["recall@10"] for found in recalls[0].values())
    chosen = next(name for name in METHODS if recalls[0][name]["recall@10"] >= best * (1 - _MARGIN))
    day, last = cases[0].day, recalls[-1]
    return chosen, [
        Measure("probability", name, name in BASELINES, name == chosen, figure, value, day, _WITHIN_DAYS,
                int(row["people"]))
        for name, row in last.items() for figure, value in row.items() if figure != "people"
    ]  # fmt: skip


def _recall(con: duckdb.DuckDBPyConnection, cases: _Cases, model: Any) -> dict[str, dict[str, float]]:
    """By method: of the products of the next basket the share among the ten named, mean over people who came."""
    basket_candidates.came(con, cases.day, _WITHIN_DAYS)
    con.register("judged_in", pa.table({
        "person_id": cases.person, "product": cases.product, "boosted": _probability(model, "boosted", cases.rows),
        **{name: cases.rows[:, NUMBERS.index(number)] for name, number in _ORDER.items()},
        "recency": np.nan_to_num(cases.rows[:, NUMBERS.index("recency")], nan=np.inf),
    }))  # fmt: skip
    scores = {}
    for name in METHODS:
        recall, precision, hits, people = con.execute(
            f"""
            with named as (
                select
                    person_id,
                    product,
                    row_number() over (partition by person_id order by {name} desc, recency, product) as place
                from judged_in
                qualify place <= {MOST_PRODUCTS}
            ),
            by_person as (
                select came.person_id, count(*) as bought, count(named.product) as hits
                from came left join named using (person_id, product)
                where came.person_id in (select person_id from judged_in) group by came.person_id
            )
            select avg(hits / bought), avg(hits / {MOST_PRODUCTS}), avg((hits > 0)::int), count(*) from by_person
            """
        ).fetchall()[0]
        scores[name] = {"recall@10": recall, "precision@10": precision, "people with a hit": hits, "people": people}
    con.unregister("judged_in")
    return scores


def _probability(model: Any, method: str, rows: np.ndarray) -> np.ndarray:
    """By trees a probability; by a plain rule its number, which only orders."""
    if method != "boosted" or model is None:
        return rows[:, NUMBERS.index(_ORDER.get(method, "faded_slowly"))].astype(float)
    if not len(rows):
        return np.zeros(0)
    with bounded(len(rows)):
        return model.predict_proba(rows)[:, 1]


def said(con: duckdb.DuckDBPyConnection, learned: Learned, as_of: date) -> pa.Table:
    """Ten products per person who bought in a year, and five that are new to them: person_id, product_id, kind, place.

    `kind`: likely (of all, the likeliest first) or new; `probability` is that of the product in the next basket, null
    where a plain rule orders; `is_repeat` whether the person has bought it before.
    """
    if learned.content is None or basket_candidates.prepare(con, as_of) is None:
        return con.execute(_NOBODY).to_arrow_table()
    method, model = learned.content
    basket_candidates.products(con, as_of)
    people = con.execute("select count(distinct person_id) from baskets").fetchall()[0][0]
    parts = max(-(-people // _AT_ONCE), 1)
    found = []
    for part in range(parts):
        basket_candidates.told(con, as_of, parts, part)
        found.append(_named(con, method, model))
    return pa.concat_tables(found)


def _named(con: duckdb.DuckDBPyConnection, method: str, model: Any) -> pa.Table:
    """The likeliest and the new products of the people in `told`."""
    found = con.execute(f"select person_id, product, {', '.join(NUMBERS)} from told order by all").fetchnumpy()
    con.register("judged_in", pa.table({
        "person_id": found["person_id"], "product_id": found["product"],
        "score": _probability(model, method, _matrix(found)), "is_repeat": np.asarray(found["baskets"]) > 0,
    }))  # fmt: skip
    probability = "score" if method == "boosted" and model is not None else "null::double"
    place = "row_number() over (partition by person_id{} order by score desc, product_id)"
    try:
        return con.execute(
            f"""
            with ranked as (
                select *, {place.format("")} as place, {place.format(", is_repeat")} as place_of_kind from judged_in
            )
            select person_id, product_id, 'likely' as kind, place, {probability} as probability, is_repeat
            from ranked where place <= {MOST_PRODUCTS}
            union all
            select person_id, product_id, 'new' as kind, place_of_kind as place, {probability} as probability, is_repeat
            from ranked where not is_repeat and place_of_kind <= {_MOST_NEW}
            order by person_id, kind, place
            """
        ).to_arrow_table()
    finally:
        con.unregister("judged_in")
