"""What a score is worth, as text for a terminal."""

import math
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.table import Table

from orchestration.scores.forecasts import BASELINES
from orchestration.scores.propensity import METHODS, Propensity
from orchestration.scores.value import Value

PLAIN = METHODS[:2]
_WIDTH = 150
# Figures of which less is better.
_LESS = ("Brier", "calibration error", "purchases MAE", "spend MAE", "log loss")


def of_value(found: Value, output: Path) -> str:
    """The report of `tessera clv`."""
    lines = [
        f"{found.customers:,} customers known at {found.cutoff}; in the {found.horizon_days} days after it "
        f"{found.totals['active']:,.0f} are expected to buy, on {found.totals['purchases']:,.0f} purchase days, for "
        f"{found.totals['spend']:,.2f}",
        "method: " + ", ".join(f"{target} by {name}" for target, name in found.chosen.items()),
        *(f"note: {note}" for note in found.notes),
    ]
    if found.holdout:
        lines += [
            "",
            f"measured on the {found.horizon_days} days after {found.holdout}, by methods that knew nothing later "
            "(* a plain rule, < the best):",
            figures({f"{name}*" if name in BASELINES else name: row for name, row in found.figures.items()}),
            "chance of a purchase, by tenths of customers:",
            tenths(found.deciles),
        ]
    return "\n".join([*lines, f"{output} ({found.seconds} s)"])


def of_propensity(found: Propensity, output: Path) -> str:
    """The report of `tessera propensity`."""
    lines = [f"{found.rows:,} rows, {found.share:.1%} of those known are '{found.positive}'"]
    lines += [f"left out: '{name}': {why}" for name, why in found.left_out.items()]
    lines += [f"note: {note}" for note in found.notes]
    lines += [f"LEAKAGE? {warning}" for warning in found.warnings]
    if found.has_signal:
        lines.append(f"method: {found.method}")
    else:
        lines.append("no signal: the other columns say no more than chance; everybody gets the share of all")
    plain = {f"{name}*" if name in PLAIN else name: row for name, row in found.figures.items()}
    lines += ["", f"measured on {found.measured_on} (* a plain rule, < the best):", figures(plain)]
    if found.has_signal:
        lines += ["the outcome, by tenths of rows:", tenths(found.deciles)]
    lines.append(
        "columns by what each says alone (AUC): " + ", ".join(f"{name} {auc:.3f}" for name, auc in found.columns)
    )
    return "\n".join([*lines, f"{output} ({found.seconds} s)"])


def figures(found: dict[str, dict[str, float]]) -> str:
    """A row per figure, a column per method; the best of a row is marked."""
    names = list(next(iter(found.values())))
    rows = []
    for name in names:
        values = [row[name] for row in found.values()]
        known = [abs(value - 1) if "said / came" in name else value for value in values if not math.isnan(value)]
        best = (min if name in _LESS or "said / came" in name else max)(known, default=None)
        rows.append([name, *(_cell(name, value, best) for value in values)])
    return _table(["", *found], rows)


def _cell(name: str, value: float, best: float | None) -> str:
    if math.isnan(value):
        return "-"
    compared = abs(value - 1) if "said / came" in name else value
    return f"{value:,.3f}" + (" <" if compared == best else "")


def tenths(rows: Sequence[tuple[int, int, float, float, float]]) -> str:
    """Tenths of a score with what was said and what came."""
    told = [[str(place), f"{count:,}", f"{said:.3f}", f"{came:.3f}", f"{lift:.2f}"]
            for place, count, said, came, lift in rows]  # fmt: skip
    return _table(["tenth", "people", "said", "came", "lift"], told)


def _table(heads: list[str], rows: list[list[str]]) -> str:
    table = Table(box=None, pad_edge=False)
    for place, head in enumerate(heads):
        table.add_column(head, justify="left" if not place else "right")
    for row in rows:
        table.add_row(*row)
    out = StringIO()
    Console(file=out, width=_WIDTH, color_system=None).print(table)
    return out.getvalue().rstrip()
