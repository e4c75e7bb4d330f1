"""The review queue as a sheet: CSV with both records side by side for a steward, and the answers read back.

The sheet holds personal values, for people who may see them. What an answer means is in `labels` and `decisions`.
"""

import csv
from pathlib import Path

import duckdb

from orchestration.errors import TesseraError
from orchestration.identity import decisions
from orchestration.identity.review import labels
from orchestration.identity.review.labels import Label
from orchestration.settings import Settings
from orchestration.warehouse import engine

_FIELDS = (
    "full_name", "first_name", "middle_name", "last_name", "name_suffix", "birth_date", "gender", "email", "phone",
    "street", "city", "postal_code", "company_name",
)  # fmt: skip
_PAIR = ("record_id_l", "record_id_r")
_HEAD = ("place", *_PAIR, "now", "match_weight", "match_probability")
_DECISIONS = {"same": "must", "different": "cannot"}
_MOST_PROBLEMS = 20


class ReviewError(TesseraError):
    """A sheet that cannot be written or read: names file, row and column."""


def export(settings: Settings, path: Path) -> int:
    """Write what of the queue nobody has answered; returns its pairs.

    Raises ReviewError where a sheet with answers would be lost.
    """
    if path.exists() and _has_answers(path):
        raise ReviewError(f"{path} has answers: import it with `tessera review import`, or export to another file")
    with engine.reading(settings) as con:
        if not engine.table_exists(con, "identity", "review_queue", "warehouse"):
            raise ReviewError("there is no review queue yet: run `tessera run daily` first")
        sides = ", ".join(
            f"cast({side}.{field} as varchar) as {field}_{side}" for field in _FIELDS for side in ("l", "r")
        )
        rows = con.execute(
            "select place, record_id_l, record_id_r, case when is_one_person then 'one person' else 'two people' end, "
            f"round(match_weight, 1), round(match_probability, 4), {sides} from identity.review_queue "
            "inner join conformed.contacts as l on l.record_id = record_id_l "
            "inner join conformed.contacts as r on r.record_id = record_id_r order by place"
        ).fetchall()
        answered = labels.read(con)
    rows = [row for row in rows if row[1:3] not in answered]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow([*_HEAD, *(f"{field}_{side}" for field in _FIELDS for side in ("l", "r")), "answer"])
        sheet.writerows([*row[:6], *(_harmless(value) for value in row[6:]), ""] for row in rows)
    return len(rows)


def _has_answers(path: Path) -> bool:
    try:
        return bool(read(path))
    except ReviewError:
        return True


def _harmless(value: str | None) -> str:
    """A spreadsheet takes a text that begins like a formula for one."""
    if value is None:
        return ""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def read(path: Path) -> list[tuple[int, Label]]:
    """Row number and answer of each row that has one. Raises ReviewError that lists what is wrong, row by row."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReviewError(f"{path} is no UTF-8 text: save it as 'CSV UTF-8' and import it again") from error
    lines = text.splitlines()
    # Spreadsheets of many countries write semicolons.
    delimiter = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
    sheet = csv.DictReader(lines, delimiter=delimiter)
    absent = [name for name in (*_PAIR, "answer") if name not in (sheet.fieldnames or ())]
    if absent:
        raise ReviewError(f"{path} row 1 has no column {', '.join(absent)}: export it with `tessera review export`")
    answers: dict[tuple[str, ...], tuple[int, Label]] = {}
    problems = []
    for number, row in enumerate(sheet, start=2):
        answer = (row["answer"] or "").strip().lower()
        if not answer:
            continue
        low, high = sorted((row[name] or "").strip() for name in _PAIR)
        problem = _problem(low, high, answer, answers.get((low, high)))
        if problem:
            problems.append(f"{path} row {number}, column {problem}")
        answers.setdefault((low, high), (number, Label(low, high, answer)))
    _refuse(problems)
    return list(answers.values())


def _problem(low: str, high: str, answer: str, before: tuple[int, Label] | None) -> str | None:
    if answer not in labels.ANSWERS:
        return f"answer: '{answer}' is none of {', '.join(labels.ANSWERS)}"
    if not low or low == high:
        return f"record_id_r: a pair needs two records, got '{low}' and '{high}'"
    if before and before[1].answer != answer:
        return f"answer: '{answer}' contradicts '{before[1].answer}' in row {before[0]} for the same pair"
    return None


def take_in(settings: Settings, path: Path, *, who: str, decide: bool = False) -> tuple[int, int]:
    """Keep the answers of a sheet, all or none; returns new labels and, with `decide`, new steward decisions.

    Raises ReviewError.
    """
    answers = read(path)
    with engine.writing_state(settings) as con:
        labels.create_table(con)
        _refuse(_unknown(con, path, answers))
        con.execute("begin transaction")
        count = labels.add(con, [label for _, label in answers], who=who)
        decided = _decide(con, path, answers, who=who) if decide else 0
        con.execute("commit")
    return count, decided


def _unknown(con: duckdb.DuckDBPyConnection, path: Path, answers: list[tuple[int, Label]]) -> list[str]:
    """A problem for each record that nobody knows."""
    ends = sorted({record for _, label in answers for record in (label.record_id_l, label.record_id_r)})
    rows = con.execute(
        "select distinct record_id from identity.membership where to_no is null and list_contains(?, record_id)", [ends]
    ).fetchall()
    known = {row[0] for row in rows}
    return [
        f"{path} row {number}, column {name}: no record '{record}' today"
        for number, label in answers
        for name, record in zip(_PAIR, (label.record_id_l, label.record_id_r), strict=True)
        if record not in known
    ]


def _decide(con: duckdb.DuckDBPyConnection, path: Path, answers: list[tuple[int, Label]], *, who: str) -> int:
    decided, problems = 0, []
    for number, label in answers:
        kind = _DECISIONS.get(label.answer)
        if kind is None:
            continue
        try:
            pair = (label.record_id_l, label.record_id_r)
            decided += decisions.record(con, *pair, decision=kind, who=who, why=f"review of {path.name}")
        except decisions.DecisionError as error:
            problems.append(f"{path} row {number}, column answer: {error}")
    if problems:
        con.execute("rollback")
    _refuse(problems)
    return decided


def _refuse(problems: list[str]) -> None:
    if problems:
        more = len(problems) - _MOST_PROBLEMS
        rest = [f"and {more} more"] if more > 0 else []
        raise ReviewError("\n".join([*problems[:_MOST_PROBLEMS], *rest, "nothing was imported: correct the file"]))
