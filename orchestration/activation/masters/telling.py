"""The registry of masters as lines to read, and what is wrong with it. Nothing is decided here."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from data_contracts.masters import FILE
from orchestration.activation.document import load_documents
from orchestration.activation.masters import changes
from orchestration.activation.masters.compiled import Compiled, compile_masters, unmastered
from orchestration.activation.masters.document import Problem, load
from orchestration.activation.run import FOLDER

_HEADING = ("attribute", "master", "read from", "written to", "since")
_MANY = 2


def table(compiled: Compiled) -> list[str]:
    """A line per attribute, and one per source for all that has the source as its master."""
    if compiled.registry is None:
        return []
    rows = [_HEADING, *_rows(compiled)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEADING))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    counts = Counter(field.split(".")[0] for field in compiled.places.read)
    others = ", ".join(f"{system} {count}" for system, count in sorted(counts.items()))
    return [*lines, "", f"fields that contracts read, each mastered by its system: {others}"]


def _rows(compiled: Compiled) -> Iterator[tuple[str, ...]]:
    sent = {one.field for one in compiled.writes}
    for thing, name, attribute in compiled.registry.masters.attributes() if compiled.registry else ():
        master = f"{attribute.master} (events)" if attribute.kind == "events" else attribute.master
        writes = [field if field in sent else f"{field} (by no sync)" for field in attribute.writes]
        sources = _short(attribute.reads or attribute.depends_on)
        yield f"{thing}.{name}", master, sources, ", ".join(writes) or "-", str(attribute.valid_from)


def _short(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
    return ", ".join(names[:_MANY]) + more or "-"


def declared() -> Compiled:
    """The project's own registry with its contracts and syncs; looks at no SQL."""
    return compile_masters(load_documents(FOLDER)[0], FOLDER)


def checked(against: Path | None = None) -> list[str]:
    """Every finding as a line, with the lineage of dbt's models and, if given, the registry as it was.

    Raises DbtError when the models cannot be compiled.
    """
    # They bring sqlglot, which the table does without.
    from orchestration.activation.masters.agreement import agreed
    from orchestration.activation.masters.lineage import compiled as traced

    lineage = traced()
    found = declared()
    problems = [*agreed(found, lineage).problems, *unmastered(found), *(_changed(against) if against else [])]
    return [*map(str, problems), *(f"{model} cannot be traced: {why}" for model, why in lineage.unread.items())]


def _changed(against: Path) -> list[Problem]:
    before, broken = load(against)
    now, _ = load(FILE)
    return broken if before is None else changes.problems(before, now) if now else []
