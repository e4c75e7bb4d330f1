"""The SQL that compares a payload model with what the destination acknowledged. Guards are in `plan.py`."""

from orchestration.activation.destination import find, promised
from orchestration.activation.document import SyncDocument

# A reject that may not be the row's fault is tried by this many runs; a permanent one waits until the row changes.
RUNS_PER_REJECT = 3
ON_HOLD = "held"


def field_kinds(sync: SyncDocument, columns: dict[str, str]) -> dict[str, str]:
    """Type of each mapped column at the destination: its contract's, else the model's. `columns`: name -> type."""
    if find(sync.destination).CAPABILITIES.any_field:
        return {column: columns[column] for column in sync.fields}
    fields = promised(sync.destination, sync.object)
    # A contract has no type for e-mail: the name says it.
    return {column: "email" if rule.to.endswith("email") else fields[rule.to] for column, rule in sync.fields.items()}


def consented(sync: SyncDocument) -> str:
    """SQL predicate over a payload row `m`: there is a legal ground to send it."""
    ground = sync.consent
    if ground.not_needed:
        return "true"
    if ground.column:
        return f"coalesce(m.{ground.column}, false)"
    return (
        "exists (select 1 from warehouse.profile.effective_consents as c "
        f"where c.contact_point = m.{ground.contact_point} and c.brand = {text(ground.brand)} "
        f"and c.channel = {text(ground.channel)} and c.purpose = {text(ground.purpose)} and c.state = 'granted')"
    )


def on_hold(sync: SyncDocument) -> str:
    """SQL predicate over a payload row `m`: the person is on hold. Needs relation `on_hold` (person_id)."""
    return f"cast(m.{sync.person} as varchar) in (select person_id from on_hold)"


def text(value: str | None) -> str:
    """A SQL string literal."""
    return "'" + (value or "").replace("'", "''") + "'"


def key_of(sync: SyncDocument) -> str:
    """SQL text of the key of a payload row `m`; null when it is empty."""
    text_of = f"trim(cast(m.{sync.key} as varchar))"
    return f"nullif({f'lower({text_of})' if sync.match_by == 'email' else text_of}, '')"


def judgement(sync: SyncDocument, kinds: dict[str, str]) -> str:
    """A query: one row per key in the model or acknowledged, with what to do about it and why.

    Needs relations `known` (key, person_id, dest_id, payload, hash, acknowledged_at), `refused` (key, hash, reason),
    `parted` (person_id, parted_at) and `on_hold` (person_id): nothing is sent for these people. What a snapshot holds
    of them is taken out of it, for it is handed over whole; at other destinations they stay as they are.
    """
    frozen = "false" if find(sync.destination).CAPABILITIES.delivery == "snapshot" else f"held = {text(ON_HOLD)}"
    mirror = "true" if sync.mode in ("mirror", "audience") else "false"
    sent_once = "true" if sync.mode in ("insert_only", "append") else "false"
    differs = "true" if sync.mode == "audience" else "e.value is distinct from known_payload[e.key]"
    emptied = "[{'key': e.key, 'value': ''} for e in map_entries(known_payload)]" if sync.on_exit == "clear" else "[]"
    return f"""
with wanted as ({wanted(sync, kinds)}),
paired as (
    select
        coalesce(w.key, k.key) as key,
        coalesce(w.person_id, k.person_id) as person_id,
        k.dest_id,
        k.payload as known_payload,
        k.hash as known_hash,
        w.key is not null as is_wanted,
        k.key is not null as is_known,
        w.key is not null and k.person_id is distinct from w.person_id as is_moved,
        w.held,
        {_targets(sync)}
    from wanted as w
    full join known as k on k.key = w.key
    left join parted as p on p.person_id = w.person_id
),
hashed as (
    select *, case when is_wanted and held is null then {hash_of(sync)} end as target_hash from paired
),
changed as (
    select
        *,
        case
            when target_hash is null then null
            when not is_known then list_filter({entries(sync)}, lambda e: {_sent_at_first(sync)})
            when target_hash <> known_hash and not {sent_once}
                then list_filter({entries(sync)}, lambda e: {differs})
        end as differing
    from hashed
),
decided as (
    select
        key,
        person_id,
        dest_id,
        case
            when is_wanted and held is null and not is_known and len(differing) > 0 then 'insert'
            when is_wanted and held is null and len(differing) > 0 then 'update'
            when is_wanted and held is null then 'unchanged'
            when is_wanted and coalesce({frozen}, false) then 'held'
            when is_known and {mirror} then 'exit'
            when is_wanted then 'held'
            else 'gone'
        end as decision,
        coalesce(held, case when not is_wanted then 'left the model' end) as reason,
        case when target_hash is null then {emptied} else differing end as differing,
        case when len(differing) > 0 then {entries(sync)} end as target,
        coalesce(target_hash, 'exit:' || known_hash) as hash,
        known_payload,
        is_wanted,
        is_known,
        is_known and is_moved as is_moved
    from changed
)
select
    d.key, d.person_id, d.dest_id, d.hash, d.is_wanted, d.is_known, d.is_moved,
    case when r.key is not null and d.decision in ('insert', 'update', 'exit') then 'rejected' else d.decision end
        as decision,
    coalesce(case when d.decision in ('insert', 'update', 'exit') then r.reason end, d.reason) as reason,
    case when d.decision in ('insert', 'update', 'exit') then map_from_entries(coalesce(d.differing, [])) end
        as changes,
    case when d.decision in ('insert', 'update') then map_from_entries(d.target) end as payload,
    case when d.decision in ('update', 'exit') then d.known_payload end as before
from decided as d
left join refused as r on r.key = d.key and r.hash = d.hash
"""


def wanted(sync: SyncDocument, kinds: dict[str, str]) -> str:
    """A query of the payload: key, person_id, why a row may not be sent (`held`), and its canonical values."""
    return f"""
    select
        {key_of(sync)} as key,
        cast(m.{sync.person} as varchar) as person_id,
        case {_held(sync)} end as held,
        {_canonical(sync, kinds)}
    from warehouse.{sync.model} as m
"""


def _held(sync: SyncDocument) -> str:
    ground = sync.consent
    # Without consent a row has to leave, held or not, so that is asked first.
    conditions = []
    if not ground.not_needed:
        reason = text(f"no consent to {ground.channel} for {ground.purpose}")
        conditions.append(f"when not {consented(sync)} then {reason}")
    conditions.append(f"when {on_hold(sync)} then {text(ON_HOLD)}")
    if sync.min_match_confidence > 0:
        reason = text(f"match confidence below {sync.min_match_confidence}")
        conditions.append(f"when not coalesce(m.{sync.confidence} >= {sync.min_match_confidence}, false) then {reason}")
    return " ".join(conditions)


def _canonical(sync: SyncDocument, kinds: dict[str, str]) -> str:
    canonical = find(sync.destination).canonical
    return ",\n        ".join(f"{canonical(kinds[column], f'm.{column}')} as to_{column}" for column in sync.fields)


def _targets(sync: SyncDocument) -> str:
    # A value may have come from records that are somebody else's by now: it is emptied, whatever the null policy.
    is_foreign = "k.person_id <> w.person_id or p.parted_at >= k.acknowledged_at"
    emptied = f"case when k.payload[{{to}}] <> '' and ({is_foreign}) then '' end"
    forms = {
        "skip": f"coalesce(w.to_{{column}}, {emptied}, k.payload[{{to}}])",
        "clear": "coalesce(w.to_{column}, '')",
        "send": "w.to_{column}",
    }
    return ",\n        ".join(
        f"{forms[rule.when_empty].format(column=column, to=text(rule.to))} as to_{column}"
        for column, rule in sync.fields.items()
    )


def entries(sync: SyncDocument) -> str:
    """SQL text of a row that has `to_<column>` for each mapped column, as a list of fields with values."""
    parts = (f"{{'key': {text(rule.to)}, 'value': to_{column}}}" for column, rule in sync.fields.items())
    return f"[{', '.join(parts)}]"


def hash_of(sync: SyncDocument) -> str:
    """SQL text of the hash of a row that has `to_<column>` for each mapped column."""
    # Field names are part of it: a changed mapping is a changed row. chr(30) marks null, chr(31) ends a field.
    parts = (
        f"{text(rule.to + '=')} || coalesce(to_{column}, chr(30)) || chr(31)" for column, rule in sync.fields.items()
    )
    return f"md5({' || '.join(parts)})"


def _sent_at_first(sync: SyncDocument) -> str:
    skipped = [text(rule.to) for rule in sync.fields.values() if rule.when_empty == "skip"]
    return f"not (e.value is null and e.key in ({', '.join(skipped)}))" if skipped else "true"
