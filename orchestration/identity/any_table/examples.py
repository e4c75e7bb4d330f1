"""The report's examples: pairs that were nearly decided otherwise, and the largest people, with their values."""

from html import escape
from typing import Any

import duckdb

from orchestration.identity.any_table import evidence
from orchestration.identity.any_table.markup import rows_of, section, text


def uncertain(con: duckdb.DuckDBPyConnection, columns: list[str], names: dict[str, str], join: float) -> str:
    pairs = "".join(_pair(pair, names) for pair in evidence.uncertain(con, columns, join))
    if not pairs:
        return ""
    return section(
        "Pairs nearest to the decision",
        "If most of these look right, so does the rest.",
        f'<div class="pairs">{pairs}</div>',
    )


def _pair(pair: dict[str, Any], names: dict[str, str]) -> str:
    verdict = '<span class="tag one">one person</span>' if pair["is_one"] else '<span class="tag">kept apart</span>'
    rows = []
    for column, left, right in pair["values"]:
        if left is None and right is None:
            continue
        same = ' class="same"' if str(left).casefold() == str(right).casefold() else ""
        rows.append(
            (
                f'<span class="dim">{escape(names[column])}</span>',
                *(f"<span{same}>{text(v)}</span>" for v in (left, right)),
            )
        )
    weighed = "".join(_weighed(names.get(name, name.replace("_", " ")), w) for name, w in pair["fields"].items())
    # A blank at the end: an id may end in the sign that makes a column of numbers.
    left, right = (f"{record} " for record in pair["records"])
    return (
        f'<div class="pair"><h3>{verdict} &nbsp;weight {pair["weight"]:+.1f}</h3>'
        f'{rows_of(rows, ["", left, right])}<p class="evidence">{weighed}</p></div>'
    )


def _weighed(name: str, weight: float) -> str:
    return f'<span>{escape(name)} <b class="{"plus" if weight > 0 else "minus"}">{weight:+.1f}</b></span> '


def largest(con: duckdb.DuckDBPyConnection, columns: list[str], names: dict[str, str]) -> str:
    shown = []
    for person_id, count, records in evidence.largest(con, columns):
        kept = [place for place in range(len(columns)) if any(row[place + 1] is not None for row in records)]
        rows = [(escape(str(row[0])), *(text(row[place + 1]) for place in kept)) for row in records]
        title = f'<h3>{escape(person_id)} <span class="dim">{count:,} records</span></h3>'
        table = rows_of(rows, ["record", *(names[columns[place]] for place in kept)])
        shown.append(f'<div class="person">{title}{table}</div>')
    if not shown:
        return ""
    return section("People with most records", "The first records of each.", "".join(shown))
