"""A solver without a model, for tests of what comes after it: one e-mail, one person; stewards outrank it.

Each training gives a model of its own; records of `strays` are put with a stranger, as a bad model would.
"""

import json
from itertools import count, pairwise

import pyarrow as pa

from orchestration.identity import resolve

_trainings = count(1)


def install(patch, strays: dict[str, str] | None = None) -> None:
    """Let runs of identity use it; `strays`: record -> e-mail under which it is found instead of its own."""

    def solve(con, inputs, *, model_path, retrain=False, store=None, since=None):
        if retrain or not model_path.exists():
            model_path.parent.mkdir(parents=True, exist_ok=True)
            model_path.write_text(json.dumps({"training": next(_trainings)}))
        contacts, decided = (
            con.execute(inputs[name]).to_arrow_table().to_pylist() for name in ("contacts", "decisions")
        )
        group = {row["record_id"]: (strays or {}).get(row["record_id"]) or row["email"] for row in contacts}
        _decided(group, decided)
        labels = {name: number for number, name in enumerate(sorted(set(group.values())))}
        records = sorted(group)
        partition = pa.table({"record_id": pa.array(records, pa.string()),
                              "person": pa.array([labels[group[r]] for r in records], pa.int64())})  # fmt: skip
        found = {"records": len(records), "people": len(labels), "model_version": "easy", "seconds": {}}
        return {"partition": partition, "links": _links(group), "skipped_identifiers": _SKIPPED, "gone": None}, found

    patch.setattr(resolve, "solve", solve)


def _decided(group, decisions):
    """What must be together is one lump; lumps of one e-mail join unless a record of one cannot be with the other's."""
    known = [(d["decision"], d["record_id_l"], d["record_id_r"]) for d in decisions]
    known = [(kind, a, b) for kind, a, b in known if a in group and b in group]
    lump = {record: record for record in group}
    for a, b in [(a, b) for kind, a, b in known if kind == "must"]:
        kept, lost = sorted((lump[a], lump[b]))
        lump.update({record: kept for record, name in lump.items() if name == lost})
    apart = {pair for kind, a, b in known if kind == "cannot" for pair in ((a, b), (b, a))}
    people = []
    for name in sorted(set(lump.values())):
        own = [record for record in sorted(lump) if lump[record] == name]
        addresses = {group[record] for record in own}
        for others, taken in people:
            if taken & addresses and not any((a, b) in apart for a in own for b in others):
                others.extend(own)
                taken.update(addresses)
                break
        else:
            people.append((own, addresses))
    group.update({record: own[0] for own, _ in people for record in own})


def _links(group):
    members = {}
    for record in sorted(group):
        members.setdefault(group[record], []).append(record)
    pairs = [pair for own in members.values() for pair in pairwise(own)]
    rows = [
        {
            "record_id_l": low, "record_id_r": high, "link_type": "probabilistic", "rule": "email",
            "match_weight": 5.0, "match_probability": 0.97, "join_weight": -2.0,
        }
        for low, high in pairs
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, _LINKS)


_TEXT, _REAL, _COUNT = pa.string(), pa.float64(), pa.int64()
_LINKS = pa.schema(
    {
        "record_id_l": _TEXT, "record_id_r": _TEXT, "link_type": _TEXT, "rule": _TEXT, "match_weight": _REAL,
        "match_probability": _REAL, "join_weight": _REAL,
    }.items()
)  # fmt: skip
_SKIPPED = pa.schema(
    {
        "identifier_type": _TEXT, "identifier_value": _TEXT, "count_records": _COUNT, "count_people": _COUNT,
        "reason": _TEXT,
    }.items()
).empty_table()  # fmt: skip
