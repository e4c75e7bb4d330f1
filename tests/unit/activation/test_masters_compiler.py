"""The compiler of masters against a judge of its own: any registry, sound or not, is accepted exactly when it is sound.

Sound: one master per attribute and field; no field both read and written, also by way of an automation; no loop.
"""

from pathlib import Path

from hypothesis import event, given, settings
from hypothesis import strategies as st

from data_contracts.masters import Masters
from orchestration.activation.masters.compiled import Compiled
from orchestration.activation.masters.document import Registry
from orchestration.activation.masters.places import Places

SYSTEMS = ("crm", "shop")
NAMES = ("a", "b", "c", "d")
FIELDS = [f"{system}.people.f{number}" for system in SYSTEMS for number in range(4)]


def some(values, least=0, most=2):
    return st.lists(st.sampled_from(values), min_size=least, max_size=most, unique=True) if values else st.just([])


@st.composite
def attributes(draw, read, written):
    master = draw(st.sampled_from(["cdp", "cdp", "cdp", *SYSTEMS]))
    elsewhere = [field for field in written if field.split(".")[0] != master]
    if master != "cdp" and read:
        # Mostly its own fields, so that not every registry has two masters.
        own = [field for field in read if field.startswith(master)] or read
        reads = draw(some(draw(st.sampled_from([own, own, own, read])), least=1))
        return {"master": master, "reads": reads, "writes": draw(some(elsewhere, most=1))}
    events = draw(st.booleans()) and bool(read)
    declared = {"master": "cdp", "depends_on": draw(some([*NAMES, *read])), "writes": draw(some(written, most=1))}
    return {**declared, "kind": "events", "reads": draw(some(read, least=1))} if events else declared


@st.composite
def worlds(draw):
    """What is read, and a registry of four attributes and some automations."""
    read = draw(some(FIELDS, most=5))
    free = [field for field in FIELDS if field not in read]
    # Now and then a field that is read as well.
    written = draw(st.sampled_from([free, free, free, FIELDS]))
    declared = {name: draw(attributes(read, written)) for name in NAMES}
    known = [*read, *(field for one in declared.values() for field in one["writes"])]
    steps = st.tuples(st.sampled_from(known), st.sampled_from(FIELDS)) if known else st.nothing()
    automations = draw(st.lists(steps, max_size=2)) if known else []
    return read, declared, automations


def is_sound(read, declared, automations):
    """The definition, by brute force."""
    writes = [field for one in declared.values() for field in one["writes"]]
    two_systems = any(
        one["master"] != "cdp" and {field.split(".")[0] for field in one["reads"]} != {one["master"]}
        for one in declared.values()
    )
    if two_systems or len(writes) != len(set(writes)):
        return False
    passed_on = reachable(automations)
    if set(read) & {*writes, *(end for start, end in passed_on if start in writes)}:
        return False
    edges = list(automations)
    for name, one in declared.items():
        edges += [(source, name) for source in (*one.get("reads", ()), *one.get("depends_on", ()))]
        edges += [(name, field) for field in one["writes"]]
    return not any(start == end for start, end in reachable(edges))


def reachable(edges):
    """Every pair of which the second can be reached from the first."""
    pairs = set(edges)
    while True:
        further = pairs | {(start, end) for start, via in pairs for other, end in pairs if via == other}
        if further == pairs:
            return pairs
        pairs = further


def accepted(read, declared, automations):
    masters = Masters.model_validate(
        {
            "objects": {"person": {"description": "", "valid_from": "2026-01-01", "attributes": declared}},
            "automations": [{"from": start, "to": end, "reason": "a workflow"} for start, end in automations],
        }
    )
    landed = {field: ("", field) for field in read}
    objects = frozenset(f"{system}.people" for system in SYSTEMS)
    places = Places(landed, frozenset(FIELDS), frozenset(SYSTEMS), objects)
    return not Compiled.of(Registry(masters), places, [], Path()).problems


@settings(max_examples=600, deadline=None)
@given(worlds())
def test_exactly_the_sound_registries_are_accepted(world):
    event("sound" if is_sound(*world) else "not sound")
    assert accepted(*world) == is_sound(*world)
