"""The report of a run: one HTML file without script or network, readable by whoever owns the table.

It shows personal values, of the examples only. What is in it comes from `evidence`, how it is drawn from `charts`.
"""

import math
from html import escape
from pathlib import Path
from typing import Any

import duckdb

from orchestration.identity import thresholds
from orchestration.identity.any_table import charts, column_names, evidence, examples
from orchestration.identity.any_table.contacts import Inputs
from orchestration.identity.any_table.markup import rows_of, section, two
from orchestration.identity.any_table.roles import Guess

_STYLE = Path(__file__).with_name("report.css")
_MOST_BLOCKS = 25


def write(
    con: duckdb.DuckDBPyConnection, path: Path, guesses: list[Guess], inputs: Inputs, figures: dict[str, Any]
) -> None:
    """Write the report of what has just been solved in `con`; figures carry the `input`, `model` and `warnings`."""
    source, trained = Path(figures["input"]), figures["model"]
    roles = {guess.role for guess in guesses if guess.role}
    columns = [role for role in column_names.ROLES if role in roles - {"record_id", "other"}] + list(inputs.others)
    names = {column: inputs.others.get(column, column.replace("_", " ")) for column in columns}
    body = [
        _head(source, figures),
        _notes(figures["warnings"]),
        two(_sizes(con), _confidence(con)),
        two(_weights(con, trained["join"]), _gates(con, figures["records"])) if trained else "",
        _threshold(trained, inputs.others) if trained else "",
        _roles(guesses),
        *([_levels(trained, inputs.others), _blocks(con, trained, inputs.others)] if trained else []),
        examples.uncertain(con, columns, names, trained["join"]) if trained else "",
        examples.largest(con, columns, names),
        "<footer>Made by tessera link. Examples show values of the table: treat this file as you treat the table."
        f" Model version {escape(str(figures['model_version']))}.</footer>",
    ]
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Linked: {escape(source.name)}</title><style>{_STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body><main>{''.join(body)}</main></body></html>"
    )
    path.write_text(page, encoding="utf-8")


def _learned(trained: dict[str, Any] | None) -> str:
    is_learned = trained and trained["is_trained"]
    return (
        "as learned from this table"
        if is_learned
        else "as usual for people, since the table is too small to learn from"
    )


def _head(source: Path, figures: dict[str, Any]) -> str:
    records, people = figures["records"], figures["people"]
    surplus = (records - people) / max(records, 1)
    seconds = figures["seconds"]["total"]
    cards = [
        (f"{records:,}", "records"),
        (f"{people:,}", "people"),
        (f"{surplus:.1%}", "records of somebody who has one already"),
        (f"{figures['singletons']:,}", "people with one record"),
        (f"{figures['largest_person']:,}", "records of the largest person"),
        (charts.short(figures["pairs_scored"]), "pairs of records compared"),
        (f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s", "training included"),
    ]
    if figures["ids"]["kept"]:
        cards.insert(3, (f"{figures['ids']['kept']:,}", "people who keep an id they had"))
    shown = "".join(
        f'<div class="card"><b>{escape(value)}</b><span>{escape(name)}</span></div>' for value, name in cards
    )
    return (
        f"<header><h1>Who is who in {escape(source.name)}</h1><p>Records of one person found without labels; what "
        f'agreement is worth is {_learned(figures["model"])}.</p></header><div class="cards">{shown}</div>'
    )


def _notes(warnings: list[str]) -> str:
    if not warnings:
        return ""
    listed = "".join(f"<li>{escape(warning)}</li>" for warning in warnings)
    return f'<section class="notes"><h2>To know</h2><ul>{listed}</ul></section>'


def _sizes(con: duckdb.DuckDBPyConnection) -> str:
    sizes = evidence.sizes(con)
    labels = [f"{size:g}" for size, _ in sizes]
    bars = charts.Series("people", "one", [count for _, count in sizes])
    return section(
        "How many records people have", "Each bar counts people; the scale is logarithmic.",
        charts.histogram(labels, [bars], axis="records of a person"),
    )  # fmt: skip


def _confidence(con: duckdb.DuckDBPyConnection) -> str:
    bins = evidence.confidence_bins(con)
    bars = charts.Series("records", "one", [count for _, count in bins])
    return section(
        "How sure the records of a person are",
        "Records of people with several; finer steps near 1. A record that is alone has confidence 1: no link of "
        "it can be wrong.",
        charts.histogram([label for label, _ in bins], [bars], axis="match confidence, from"),
    )  # fmt: skip


def _weights(con: duckdb.DuckDBPyConnection, join: float) -> str:
    bins = evidence.weights(con)
    series = [
        charts.Series(name, style, [counts[place] for counts in bins.values()])
        for place, (name, style) in enumerate((("one person", "one"), ("kept apart", "apart"), ("ruled out", "veto")))
    ]
    place = (join - evidence.LOWEST) / evidence.STEP
    return section(
        "What the compared pairs weigh",
        "Log2 odds that two records are one person. The line is where groups join on average: a pair beyond it may be "
        "kept apart by the others of its group.",
        charts.histogram(
            [str(low) for low in bins], series, axis="match weight",
            marker=(place, f"joined from {join:g} on"),
        ),
    )  # fmt: skip


def _threshold(trained: dict[str, Any], others: dict[str, str]) -> str:
    rows = [
        (escape(others.get(field, field.replace("_", " "))), f"{at:.1%}", f"{best:.1%}", f"{where:+.1f}")
        for field, at, best, where in thresholds.estimates(trained)
    ]
    if not rows:
        return ""
    return section(
        "How good this is, without labels",
        f"People were found once more without one field, which then says who was right: the share of its agreement "
        f"inside people gives precision and recall (pair F1). Groups join from {trained['join']:+.1f} on because that "
        "serves these fields best; with all of them together the result is better than any row.",
        rows_of(rows, ["without", "estimated F1#", "at best#", "threshold that is best#"]),
    )


def _gates(con: duckdb.DuckDBPyConnection, records: int) -> str:
    rows = [
        (f"{gate:g}", passed, f"{passed / max(records, 1):.1%}", people, several)
        for gate, passed, people, several in evidence.gates(con)
    ]
    return section(
        "What passes a gate",
        "Where a wrong merge costs more than a missed one, use only what is at least this sure.",
        rows_of(rows, ["confidence at least", "records#", "share#", "whole people#", "of several records#"]),
    )


def _roles(guesses: list[Guess]) -> str:
    rows = [
        (
            escape(guess.column.name),
            f'<span class="role{"" if guess.role else " none"}">{escape(guess.role or "left out")}</span>',
            charts.share_bar(guess.share_filled) + f'<span class="dim">{guess.share_filled:.0%}</span>',
            f'<span class="dim">{escape(guess.why)}</span>',
        )
        for guess in guesses
    ]
    return section(
        "Columns and what they were taken for", "Wrong? Say so with --columns role=column and run again.",
        rows_of(rows, ["column", "role", "filled", "why"]),
    )  # fmt: skip


def _levels(trained: dict[str, Any], others: dict[str, str]) -> str:
    rows = []
    known = evidence.levels(trained)
    weights = [math.log2(m / u) for _, levels in known for _, m, u in levels]
    most = max((abs(weight) for weight in weights), default=1.0)
    for field, levels in known:
        for place, (label, m, u) in enumerate(levels):
            weight = math.log2(m / u)
            name = escape(others.get(field, field.replace("_", " "))) if not place else ""
            rows.append(
                (f"<b>{name}</b>", escape(label), charts.balance(weight, most), f"{weight:+.1f}", f"{m:.2%}", _share(u))
            )
    return section(
        "What each field is worth",
        f"Weight of each degree of agreement, in log2 odds, {_learned(trained)}; rare values weigh more than common "
        f"ones on top of it. Before anything is looked at, two records weigh {_prior(trained):+.1f}: so seldom are two "
        f"one person. With the weights of their fields they are joined from {trained['join']:+.1f} on.",
        rows_of(rows, ["field", "agreement", "against / for one person", "weight#", "of one person#", "of strangers#"]),
    )


def _prior(trained: dict[str, Any]) -> float:
    prior = trained["splink"]["probability_two_random_records_match"]
    return math.log2(prior / (1 - prior))


def _share(value: float) -> str:
    return f"{value:.2%}" if value >= 0.001 else f"1 in {1 / value:,.0f}"


def _blocks(con: duckdb.DuckDBPyConnection, trained: dict[str, Any], others: dict[str, str]) -> str:
    def named(rule: str) -> str:
        for at, name in others.items():
            rule = rule.replace(at, name)
        return escape(rule)

    rows = [
        (named(rule), pairs, skipped, in_them, f'<span class="dim">{escape(example or "")}</span>')
        for rule, pairs, skipped, in_them, example in evidence.blocks(con, trained)[:_MOST_BLOCKS]
    ]
    return section(
        "Which pairs were compared",
        "Records that share one of these, each pair once. A value that too many records share says nothing and was "
        "skipped; another key may still bring its records together.",
        rows_of(rows, ["records that share", "pairs#", "values skipped#", "records in them#", "the commonest"]),
    )
