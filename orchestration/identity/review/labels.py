"""Stewards' answers about pairs, kept in the state database, and how well the model and the people found fit them.

A label measures; it changes nobody. What does is a decision, in `decisions`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import numpy as np

from orchestration.errors import TesseraError
from orchestration.identity import state
from orchestration.identity.explain import evidence
from orchestration.identity.quality.measures import Figure, figures
from orchestration.warehouse import engine

ANSWERS = ("same", "different", "unsure")
_WITHDRAWN = "withdrawn"
_LOWEST, _STEP, _BINS = -20, 2, 20
_TABLE = """
    create table if not exists identity.labels (
        label_no bigint, record_id_l varchar, record_id_r varchar, answer varchar, who varchar, labelled_at timestamp
    )
"""


class LabelError(TesseraError):
    """There is no such answer."""


@dataclass(frozen=True)
class Label:
    """An answer about a pair, smaller record first."""

    record_id_l: str
    record_id_r: str
    answer: str


def create_table(con: duckdb.DuckDBPyConnection) -> None:
    """Make `identity.labels` where it is missing; `con` is the state database, writable."""
    state.create_tables(con)
    con.execute(_TABLE)


def add(con: duckdb.DuckDBPyConnection, answers: Iterable[Label], *, who: str) -> int:
    """Keep answers; of a pair answered before the newer one counts. Returns how many differ from what was known."""
    create_table(con)
    known = standing(con, "identity.labels")
    new = [one for one in answers if known.get((one.record_id_l, one.record_id_r)) != one.answer]
    first = con.execute("select coalesce(max(label_no), 0) + 1 from identity.labels").fetchall()[0][0]
    for number, one in enumerate(new, start=first):
        con.execute(
            "insert into identity.labels values (?, ?, ?, ?, ?, ?)",
            [number, one.record_id_l, one.record_id_r, one.answer, who, state.now()],
        )
    return len(new)


def withdraw(con: duckdb.DuckDBPyConnection, record: str, other: str, *, who: str) -> str:
    """Let the answer about a pair no longer count; returns it. Raises LabelError where there is none."""
    create_table(con)
    low, high = sorted((record, other))
    was = standing(con, "identity.labels").get((low, high))
    if was is None:
        raise LabelError(f"nobody answered {low} and {high}: `tessera review labels` lists the answers")
    add(con, [Label(low, high, _WITHDRAWN)], who=who)
    return was


def listed(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str, str, datetime]]:
    """Answers that count, newest first: answer, both records, who, when."""
    create_table(con)
    return con.execute(
        "select answer, record_id_l, record_id_r, who, labelled_at from identity.labels "
        "qualify label_no = max(label_no) over (partition by record_id_l, record_id_r) and answer <> ? "
        "order by label_no desc",
        [_WITHDRAWN],
    ).fetchall()


def standing(con: duckdb.DuckDBPyConnection, table: str) -> dict[tuple[str, str], str]:
    """The answer that counts for each pair."""
    rows = con.execute(
        f"select record_id_l, record_id_r, arg_max(answer, label_no) as answer from {table} group by all "
        "having answer <> ? order by all",
        [_WITHDRAWN],
    ).fetchall()
    return {(low, high): answer for low, high, answer in rows}


def read(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """The same by a connection that reads both files; empty before there are any."""
    return standing(con, "state.identity.labels") if engine.table_exists(con, "identity", "labels", "state") else {}


def measured(
    con: duckdb.DuckDBPyConnection, trained: dict[str, Any], answers: dict[tuple[str, str], str]
) -> list[Figure]:
    """Precision, recall and calibration on labelled pairs; needs tables `records`, `persons`, `judged`.

    Pairs of the queue are the hard ones, so precision and recall are lower than over all pairs: compare runs.
    """
    person = dict(con.execute("select record_id, person_id from persons").fetchall())
    known = {
        pair: answer == "same"
        for pair, answer in answers.items()
        if answer != "unsure" and pair[0] in person and pair[1] in person
    }
    if not known:
        return [("labels", None, 0.0)]
    found = {pair: person[pair[0]] == person[pair[1]] for pair in known}
    right = sum(known[pair] and found[pair] for pair in known)
    weight = {one.record_ids: one.match_weight for one in evidence.weigh(con, trained, known) if not one.veto}
    return figures(
        {
            "labels": len(known),
            "label_precision": right / sum(found.values()) if any(found.values()) else None,
            "label_recall": right / sum(known.values()) if any(known.values()) else None,
            "label_calibration_error": _calibration_error(
                np.array(list(weight.values())),
                np.array([known[pair] for pair in weight], dtype=float),
                _compared(con),
            ),
        }
    )


def _calibration_error(weight: np.ndarray, truth: np.ndarray, compared: np.ndarray) -> float | None:
    """Mean distance between the probability said and what is so, over bins of match weight (ECE).

    Labels are of hard pairs mostly, so each bin counts for the pairs `compared` in it, not for its labels; by weight,
    because below one in ten lie both the hopeless and the doubtful.
    """
    place = np.clip((weight - _LOWEST) // _STEP, 0, _BINS - 1).astype(int)
    count = np.bincount(place, minlength=_BINS)
    known = (count > 0) & (compared > 0)
    if not known.any():
        return None
    said = 1 / (1 + 2.0**-weight)
    gap = np.abs(np.bincount(place, weights=said - truth, minlength=_BINS)[known] / count[known])
    return float(np.average(gap, weights=compared[known]))


def _compared(con: duckdb.DuckDBPyConnection) -> np.ndarray:
    """Compared pairs by bin of their weight."""
    rows = con.execute(
        f"select least(greatest(floor((match_weight - {_LOWEST}) / {_STEP}), 0), {_BINS - 1})::integer, count(*) "
        "from judged where veto is null group by 1"
    ).fetchall()
    counts = np.zeros(_BINS)
    for place, count in rows:
        counts[place] = count
    return counts
