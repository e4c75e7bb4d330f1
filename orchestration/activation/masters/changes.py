"""What an edit of the registry must keep: a change of master has a later day, and the old one stays in history."""

from collections.abc import Iterator

from data_contracts.masters import Attribute, Former
from orchestration.activation.masters.document import Problem, Registry


def problems(before: Registry, now: Registry) -> list[Problem]:
    """What of the registry as it was is lost or contradicted in the one there is now."""
    former = {(thing, name): attribute for thing, name, attribute in before.masters.attributes()}
    return [
        now.problem(("objects", thing, "attributes", name), message, {f"{thing}.{name}"})
        for thing, name, attribute in now.masters.attributes()
        if (thing, name) in former
        for message in _lost(former[thing, name], attribute)
    ]


def _lost(old: Attribute, new: Attribute) -> Iterator[str]:
    kept = new.history[: len(old.history)]
    if kept != old.history:
        yield "its history was changed: former masters stay as they were"
    if new.master == old.master:
        if new.valid_from != old.valid_from:
            yield f"{old.master} is its master since {old.valid_from}, and still is: leave valid_from"
        return
    if new.valid_from <= old.valid_from:
        yield f"{new.master} follows {old.master}, master from {old.valid_from}: give it a later valid_from"
    added = new.history[len(old.history) :]
    if not added or (added[0].master, added[0].valid_from) != (old.master, old.valid_from):
        yield f"the change is not in history: add {_line(old, new)}"


def _line(old: Attribute, new: Attribute) -> str:
    one = Former(master=old.master, valid_from=old.valid_from, valid_until=new.valid_from)
    return f"{{master: {one.master}, valid_from: {one.valid_from}, valid_until: {one.valid_until}}}"
