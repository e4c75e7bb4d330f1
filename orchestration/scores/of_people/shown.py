"""What is shown of a trained score: how good each method was, and what came of what it said. Never a person."""

from orchestration.scores import report
from orchestration.scores.of_people.learned import Learned, Tenth

_BAR = 30


def by_target(learned: Learned) -> dict[str, dict[str, dict[str, float]]]:
    """Target -> method (a star at plain rules, > at the one in use) -> measure -> value."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for one in learned.measures:
        name = f"{'> ' if one.is_used else ''}{one.method}{'*' if one.is_baseline else ''}"
        found.setdefault(one.target, {}).setdefault(name, {})[one.measure] = one.value
    return found


def as_text(learned: Learned) -> str:
    """The report for a terminal."""
    lines = [_trained(learned), *(f"note: {note}" for note in learned.notes)]
    days = {one.target: one.holdout_date for one in learned.measures}
    for target, methods in by_target(learned).items():
        complete = {name: row for name, row in methods.items() if len(row) == max(map(len, methods.values()))}
        extra = {figure: value for name, row in methods.items() for figure, value in row.items()
                 if not all(figure in other for other in methods.values())}  # fmt: skip
        common = {name: {k: v for k, v in row.items() if k not in extra} for name, row in (complete or methods).items()}
        lines += ["", f"{target}, on what came after {days[target]} (* a plain rule, > speaks, < the best):"]
        lines += [report.figures({name: common.get(name, methods[name]) for name in methods})]
        lines += [f"{figure}: {value:.3f}" for figure, value in extra.items()]
        if learned.tenths.get(target):
            lines += ["by tenths of people:", report.tenths(learned.tenths[target])]
    return "\n".join(lines)


def _trained(learned: Learned) -> str:
    if learned.content is None:
        return f"not trained, as of {learned.last_day}"
    return f"learned from {learned.first_day} to {learned.last_day}, {learned.count_cases:,} cases"


def as_markdown(learned: Learned) -> str:
    """The same for the metadata of an asset."""
    parts = [_trained(learned), *learned.notes]
    for target, methods in by_target(learned).items():
        names = list(dict.fromkeys(figure for row in methods.values() for figure in row))
        head = [f"**{target}**", f"| method | {' | '.join(names)} |", f"|:--|{'--:|' * len(names)}"]
        rows = [
            f"| {method} | {' | '.join(_cell(row.get(name)) for name in names)} |" for method, row in methods.items()
        ]
        parts.append("\n".join([head[0], "", *head[1:], *rows]))
        if learned.tenths.get(target):
            parts.append(_bars(learned.tenths[target]))
    return "\n\n".join(parts)


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:,.3f}"


def _bars(tenths: list[Tenth]) -> str:
    """What was said and what came by tenths: calibration and lift in one picture."""
    top = max(max(said, came) for _, _, said, came, _ in tenths) or 1
    rows = [
        f"| {place} | {count:,} | {said:,.3f} | {came:,.3f} | {lift:.2f} | {'█' * round(came / top * _BAR)} |"
        for place, count, said, came, lift in tenths
    ]
    return "\n".join(["| tenth | people | said | came | lift | came |", "|--:|--:|--:|--:|--:|:--|", *rows])
