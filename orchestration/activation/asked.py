"""What a document asks that its destination cannot do. The document's own shape is in `document.py`."""

from data_contracts.contract import systems
from data_contracts.odcs import ContractError
from orchestration.activation.destination import find, names, promised
from orchestration.activation.document import SyncDocument


def problems(sync: SyncDocument) -> list[tuple[tuple[str, ...], str]]:
    """What the document asks that its destination cannot do, as (path in the document, message)."""
    if sync.destination not in names():
        return [(("destination",), f"no destination '{sync.destination}': known are {', '.join(names())}")]
    can = find(sync.destination).CAPABILITIES
    asked = [("mode", sync.mode, can.modes), ("match_by", sync.match_by, can.match_by)]
    asked += [("object", sync.object, can.objects)]
    asked += [("on_exit", sync.on_exit, can.exits)] if sync.on_exit else []
    found = [
        ((name,), f"{sync.destination} does not take {name} '{value}': it takes {', '.join(sorted(known))}")
        for name, value, known in asked
        if known is not None and value not in known
    ]
    if can.match_by is None:
        found += [
            (("fields", column, "to"), f"rows are matched by '{rule.to}', which `key` fills: leave it out of fields")
            for column, rule in sync.fields.items()
            if rule.to == sync.match_by
        ]
    if not found and not can.any_field:
        try:
            fields = promised(sync.destination, sync.object)
        except ContractError as error:
            return [(("destination",), f"the contract of {sync.destination} cannot be used: {error}")]
        found += [
            (("fields", column, "to"),
             f"'{rule.to}' is no field we write in {sync.destination} {sync.object}: write one of {', '.join(fields)}, "
             f"or add it to data_contracts/destinations/{sync.destination}.odcs.yaml")
            for column, rule in sync.fields.items()
            if rule.to not in fields
        ]  # fmt: skip
    if not can.reads:
        found += [
            (("fields", column, "write"), f"{sync.destination} does not tell what it holds: fill_empty needs that")
            for column, rule in sync.fields.items()
            if rule.write == "fill_empty"
        ]
    found += [(("requires",), f"no source '{system}'") for system in sync.requires if system not in systems()]
    return found
