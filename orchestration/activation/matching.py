"""The SQL that matches rows of a destination with the payload model, for `adoption.py`."""

from orchestration.activation.comparison import entries, hash_of, text, wanted
from orchestration.activation.destination import find
from orchestration.activation.document import FieldRule, SyncDocument
from orchestration.activation.filling import canonical_of

# `once`: rows there whose key no other row has.
MATCH = """
create temp table once as
select * from held_there where key is not null qualify count(*) over (partition by key) = 1
"""
REPEATED = """
select
    h.key, count(*) as count_rows, string_agg(h.dest_id, ' ' order by h.dest_id) as ids_there,
    h.key in (select key from wanted where held is null) as is_in_model
from held_there as h
where h.key is not null
group by h.key having count(*) > 1
"""
REPORT = f"""
select
    (select count(*) from held_there),
    (select count(*) from wanted where hash is not null),
    (select count(*) from wanted where held is null and key not in (select key from held_there where key is not null)),
    (select count(*) from held_there where key is null or key not in (select key from wanted)),
    (select count(*) from held_there where key is null),
    (select count(*) from ({REPEATED})),
    (select count(*) from ({REPEATED}) where is_in_model),
    (select count(*) from wanted where held is not null)
"""
TAKE_OVER = """
delete from activation.state where sync = $sync and (
    key in (select key from wanted where hash is not null)
    or key not in (select key from held_there where key is not null)
);
insert into activation.state
    select $sync, key, person_id, dest_id, payload, hash, $run_id, current_timestamp::timestamp
    from wanted where hash is not null;
create or replace temp table met as
    select
        $destination as destination, $object as object, w.key, w.dest_id, w.person_id,
        coalesce(c.first_at, current_timestamp::timestamp) as first_at, current_timestamp::timestamp as last_at
    from wanted as w
    left join activation.crosswalk as c on c.destination = $destination and c.object = $object and c.key = w.key
    where w.hash is not null and w.dest_id is not null;
delete from activation.crosswalk as c using met as m
    where c.destination = m.destination and c.object = m.object and c.key = m.key;
insert into activation.crosswalk select * from met;
insert into activation.runs by name
    select
        $sync as sync, $run_id as run_id, $destination as destination, $object as object, $environment as environment,
        $as_of as as_of, 'adopted' as status, count(*) as count_model,
        count(*) filter (hash is not null) as count_unchanged, current_timestamp::timestamp as planned_at,
        current_timestamp::timestamp as recorded_at
    from wanted
"""


def canonical_rows(sync: SyncDocument, kinds: dict[str, str]) -> str:
    """A query of relation `told`: what is there, each field in canonical form, empty as null."""
    canonical = find(sync.destination).canonical
    columns = ", ".join(
        f"nullif({canonical_of(canonical, kinds[column], f'there_{rule.to}')}, '') as there_{rule.to}"
        for column, rule in sync.fields.items()
    )
    return f"select key, dest_id, {columns} from told"


def adopted(sync: SyncDocument, kinds: dict[str, str]) -> str:
    """A query of the payload: one row per key, with payload and hash as if we had sent what is there.

    Both are null when the row is not there once, or may not be sent. Needs relations `once` and `on_hold`.
    """
    targets = ", ".join(f"{_taken(column, rule)} as to_{column}" for column, rule in sync.fields.items())
    foreign = " or ".join(
        f"(e.key = {text(rule.to)} and is_theirs_{column})"
        for column, rule in sync.fields.items()
        if rule.write == "fill_empty"
    )
    theirs = "".join(
        f", o.there_{rule.to} is not null and o.there_{rule.to} is distinct from w.to_{column} as is_theirs_{column}"
        for column, rule in sync.fields.items()
        if rule.write == "fill_empty"
    )
    ours = f"list_filter({entries(sync)}, lambda e: not ({foreign}))" if foreign else entries(sync)
    return f"""
with wanted as ({wanted(sync, kinds)}),
paired as (
    select
        w.key, w.person_id, w.held, o.dest_id, w.held is null and o.key is not null as is_matched,
        {targets}{theirs}
    from wanted as w
    left join once as o on o.key = w.key
)
select
    key, person_id, held, dest_id,
    case when is_matched then map_from_entries({ours}) end as payload,
    case when is_matched then {hash_of(sync)} end as hash
from paired
"""


def _taken(column: str, rule: FieldRule) -> str:
    """What counts as sent of a field: what is there, or, where somebody's value is left alone, what ours would be."""
    empty = "coalesce({}, '')" if rule.when_empty == "clear" else "{}"
    there = empty.format(f"o.there_{rule.to}")
    if rule.write == "overwrite":
        return there
    return f"case when o.there_{rule.to} is null then {there} else {empty.format(f'w.to_{column}')} end"
