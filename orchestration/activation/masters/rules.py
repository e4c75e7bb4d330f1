"""What may not be in the registry of masters: unknown names, two masters, a field read and written, disordered history.

Loops need the graph of all of it and are found in `compiled`; what syncs write beyond it is judged there too.
"""

from collections.abc import Collection, Iterator
from difflib import get_close_matches

from data_contracts.masters import CDP, Attribute
from orchestration.activation.masters.document import Problem, Registry, Where
from orchestration.activation.masters.places import Places
from orchestration.yaml_lines import Document

# One letter of twenty.
_SLIP = 0.95
_TOLD = 12


def sources_of(reference: str, thing: str, places: Places) -> list[str]:
    """The nodes that an entry of `depends_on` stands for."""
    if "." not in reference:
        return [f"{thing}.{reference}"]
    if reference.endswith(".*"):
        return [field for field in places.read if field.startswith(reference.removesuffix("*"))]
    return [reference]


def problems(registry: Registry, places: Places) -> list[Problem]:
    """Every finding about the registry alone, by line."""
    found = [*_names(registry, places), *_automations(registry, places), *_shared_writes(registry)]
    for thing, name, attribute in registry.masters.attributes():
        where = ("objects", thing, "attributes", name)
        node = {f"{thing}.{name}"}
        told = [*_one_master(attribute), *_disjoint(attribute, places), *_history(attribute)]
        found += [registry.problem((*where, *path), message, node) for path, message in told]
    return sorted(found, key=lambda problem: problem.line)


def _names(registry: Registry, places: Places) -> Iterator[Problem]:
    """Names of attributes that nothing knows."""
    attributes = {f"{thing}.{name}" for thing, name, _ in registry.masters.attributes()} | registry.broken
    systems = {*places.systems, CDP}
    for thing, name, attribute in registry.masters.attributes():
        asked = [(("master",), "system", attribute.master, systems)]
        asked += [
            (("history", at, "master"), "system", one.master, systems) for at, one in enumerate(attribute.history)
        ]
        asked += [(("reads", at), "field that a source contract reads", one, places.read)
                  for at, one in enumerate(attribute.reads)]  # fmt: skip
        asked += [(("writes", at), "field in a destination's contract", one, places.taken)
                  for at, one in enumerate(attribute.writes)]  # fmt: skip
        for at, one in enumerate(attribute.depends_on):
            known = _referable(one, thing, attributes, places)
            asked.append((("depends_on", at), "attribute or field", one, known))
        for path, what, word, known in asked:
            if word not in known and word.split(".")[0] not in places.unread:
                where = ("objects", thing, "attributes", name, *path)
                yield registry.problem(where, unknown(what, word, known), {f"{thing}.{name}"})


def _referable(reference: str, thing: str, attributes: set[str], places: Places) -> Collection[str]:
    """What an entry of `depends_on` written like this one may name."""
    if reference.count(".") >= 2:
        return places.references
    if "." in reference:
        return attributes
    return {node.removeprefix(f"{thing}.") for node in attributes if node.startswith(f"{thing}.")}


def unknown(what: str, word: str, known: Collection[str]) -> str:
    """The sentence for a name nothing knows, with the nearest of the same object, else of the same system."""
    words = sorted(known)
    system, thing = word.partition(".")[0], word.rpartition(".")[0]
    around = [one for one in words if one.rpartition(".")[0] == thing]
    around = around or [one for one in words if one.startswith(f"{system}.")] or words
    near = around if get_close_matches(word, around, n=1) else around[:_TOLD]
    return f"no {what} '{word}'{Document.suggestion(word, near)}"


def _automations(registry: Registry, places: Places) -> Iterator[Problem]:
    """Automations that start from nothing known, or end in what looks like a slip of a field that is read.

    Where they end else is the system's own affair, and may be said.
    """
    declared = registry.masters.automations
    known = {*places.read, *places.taken}
    fed, feeding = {one.target for one in declared}, {one.source for one in declared}
    for at, one in enumerate(declared):
        if one.source not in known | fed and one.source.split(".")[0] not in places.unread:
            message = unknown("field in any contract, nor in another automation,", one.source, known)
            yield registry.problem(("automations", at, "from"), message)
        if one.target not in known | feeding and get_close_matches(one.target, known, n=1, cutoff=_SLIP):
            message = unknown("field in any contract", one.target, known)
            yield registry.problem(("automations", at, "to"), message)


def _shared_writes(registry: Registry) -> Iterator[Problem]:
    """Fields that two attributes write."""
    first: dict[str, str] = {}
    for thing, name, attribute in registry.masters.attributes():
        node = f"{thing}.{name}"
        for at, field in enumerate(attribute.writes):
            holder = first.setdefault(field, node) if field not in attribute.writes[:at] else node
            if holder != node or field in attribute.writes[:at]:
                where = ("objects", thing, "attributes", name, "writes", at)
                message = f"{field} has two masters: {holder} writes it already; leave it to one"
                yield registry.problem(where, message, {node, holder, field})


def _one_master(attribute: Attribute) -> Iterator[tuple[Where, str]]:
    """What contradicts that the named master, and nobody else, decides."""
    master = attribute.master
    if attribute.kind == "events":
        if master != CDP:
            yield ("master",), f"what holds of events is computed here: its master is {CDP}"
        if not attribute.reads:
            yield ("kind",), "of events each side has a field of its own: name them in reads"
        return
    if master == CDP and attribute.reads:
        yield (
            ("reads",),
            f"{CDP} computes it: name what from in depends_on, or make it kind: events if both sides decide",
        )
    if master != CDP and not attribute.reads:
        yield ("master",), f"nothing feeds it: name the fields of {master} in reads"
    if master != CDP and attribute.depends_on:
        yield (
            ("depends_on",),
            f"{master} decides it, so nothing here computes it: take this away, or make {CDP} its master",
        )
    for at, field in enumerate(attribute.reads):
        if master != CDP and field.split(".")[0] != master:
            yield ("reads", at), f"two masters: {master}, and {field.split('.')[0]} whose {field} would decide it too"
    for at, field in enumerate(attribute.writes):
        if field.split(".")[0] == master:
            yield ("writes", at), f"{master} is its master and would be sent its own value: no field is mirrored"


def _disjoint(attribute: Attribute, places: Places) -> Iterator[tuple[Where, str]]:
    """Fields that are read and written."""
    for at, field in enumerate(attribute.writes):
        if field in places.read:
            system = field.split(".")[0]
            told = f"data_contracts/sources/{system}.odcs.yaml reads it, so {system} is its master"
            yield ("writes", at), f"{field} cannot be written: {told}; write a field that nothing reads"


def _history(attribute: Attribute) -> Iterator[tuple[Where, str]]:
    """Former masters that overlap, are out of order, or are no change."""
    periods = [*attribute.history, None]
    for at, (one, following) in enumerate(zip(attribute.history, periods[1:], strict=True)):
        began = following.valid_from if following else attribute.valid_from
        successor = following.master if following else attribute.master
        if one.valid_until <= one.valid_from:
            yield ("history", at, "valid_until"), f"{one.master} ends on {one.valid_until}, before it began"
        if began and one.valid_until > began:
            told = f"{one.master} until {one.valid_until} overlaps {successor}, master from {began}"
            yield ("history", at, "valid_until"), f"{told}: one master at a time, the earliest first"
        if successor == one.master and one.valid_until == began:
            yield ("history", at, "master"), f"{one.master} follows itself: a history has a line per change of master"
