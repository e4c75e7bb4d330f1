"""First step of a sync: what the destination lacks, judged by guards, written to an outbox. Sends nothing."""

from dataclasses import replace
from datetime import date

import duckdb

from orchestration.activation import ledger, outbox
from orchestration.activation.comparison import RUNS_PER_REJECT, field_kinds, judgement, key_of, text
from orchestration.activation.destination import find
from orchestration.activation.document import SyncDocument
from orchestration.activation.errors import PlanRefusedError
from orchestration.activation.record import record, record_refusal
from orchestration.activation.result import PlanSummary
from orchestration.identity.holds import held_people
from orchestration.landing.health import sick_sources
from orchestration.settings import Settings
from orchestration.warehouse import engine

# Shares say nothing about a handful of rows.
SHARES_COUNT_FROM = 10
_SENT = "decision in ('insert', 'update', 'exit')"


def plan(settings: Settings, sync: SyncDocument, run_id: str, as_of: date) -> PlanSummary:
    """Compare the model with the ledger and write the outbox of this run.

    Outboxes that earlier runs left are recorded first: what they had acknowledged counts, the rest is planned anew.
    Planning a run again that was planned already returns its plan. Raises PlanRefusedError when a guard, a key, a sick
    source or the environment forbids sending; the refusal is in the ledger.
    """
    file = outbox.path(settings, sync.name, run_id)
    with engine.reading(settings) as con:
        ledger.check_environment(con, settings)
    for earlier in outbox.unfinished(settings, sync.name):
        if earlier != run_id:
            record(settings, sync.name, earlier)
    if file.exists():
        return planned(settings, sync.name, run_id)
    with engine.reading(settings) as con:
        summary = _judge(con, settings, sync, run_id, as_of)
        if not summary.refusals:
            with outbox.drafting(con, file):
                _fill(con, settings, sync, summary)
    if summary.refusals:
        record_refusal(settings, sync, summary)
        raise PlanRefusedError(f"{sync.name}: nothing was sent: {'; '.join(summary.refusals)}")
    return summary


def preview(settings: Settings, sync: SyncDocument, as_of: date) -> PlanSummary:
    """The plan as it would be, refusals included; writes nothing."""
    with engine.reading(settings) as con:
        ledger.check_environment(con, settings)
        return _judge(con, settings, sync, "preview", as_of)


def planned(settings: Settings, sync: str, run_id: str) -> PlanSummary:
    """The plan that waits in the outbox of a run."""
    with outbox.opened(settings, sync, run_id) as con:
        row = con.execute(
            "select as_of, count_model, count_insert, count_update, count_exit, count_unchanged, count_held, "
            "count_rejected_before, count_acknowledged_before from outbox.header"
        ).fetchall()[0]
        return PlanSummary(sync, run_id, *row, fields=outbox.changed_fields(con, "outbox.ops"))


def _judge(
    con: duckdb.DuckDBPyConnection, settings: Settings, sync: SyncDocument, run_id: str, as_of: date
) -> PlanSummary:
    """Make temporary table `judged` and count it; with a refusal there may be none."""
    nothing = PlanSummary(sync.name, run_id, as_of)
    if settings.env not in sync.environment:
        return replace(nothing, refusals=(f"it runs in {', '.join(sync.environment)}, this is {settings.env}",))
    if sick := sick_sources(settings, sync.requires):
        return replace(nothing, refusals=(sick,))
    if unbuilt := _unbuilt(con, sync):
        return replace(nothing, refusals=(unbuilt,))
    columns = _columns(con, sync)
    if unknown := _unknown_columns(sync, columns):
        return replace(nothing, refusals=(unknown,))
    known = _prepare_known(con, sync)
    con.execute(f"create or replace temp view on_hold as select * from {held_people(con)} as h(person_id)")
    rows, empty, keys = con.execute(
        f"select count(*), count(*) filter ({key_of(sync)} is null), count(distinct {key_of(sync)}) "
        f"from warehouse.{sync.model} as m"
    ).fetchall()[0]
    nothing = replace(nothing, model=rows, acknowledged_before=known)
    if empty:
        return replace(nothing, refusals=(f"{empty} rows of {sync.model} have no {sync.key}: the key must be there",))
    if keys < rows:
        return replace(nothing, refusals=(_repeated(con, sync, rows - keys),))
    con.execute(f"create or replace temp table judged as {judgement(sync, field_kinds(sync, columns))}")
    counts = dict(con.execute("select decision, count(*) from judged group by 1").fetchall())
    summary = replace(
        nothing,
        **{name: counts.get(name, 0) for name in ("insert", "update", "exit", "unchanged", "held")},
        rejected_before=counts.get("rejected", 0),
        fields=outbox.changed_fields(con, f"(from judged where {_SENT})"),
    )
    return replace(summary, refusals=tuple(_guarded(sync, summary)))


def _unbuilt(con: duckdb.DuckDBPyConnection, sync: SyncDocument) -> str | None:
    """The first table the sync reads that is not there, as a sentence."""
    tables = [sync.model, *(["profile.effective_consents"] if sync.consent.contact_point else [])]
    for table in tables:
        if not engine.table_exists(con, *table.split("."), "warehouse"):
            return f"there is no {table} in the warehouse: build the models first"
    return None


def _columns(con: duckdb.DuckDBPyConnection, sync: SyncDocument) -> dict[str, str]:
    return {row[0]: row[1] for row in con.execute(f"describe warehouse.{sync.model}").fetchall()}


def _unknown_columns(sync: SyncDocument, columns: dict[str, str]) -> str | None:
    """Columns that the document names and the model lacks, as a sentence."""
    named = [sync.key, sync.person, *sync.fields, sync.consent.contact_point, sync.consent.column]
    named += [sync.confidence] if sync.min_match_confidence > 0 else []
    missing = sorted({name for name in named if name and name not in columns})
    if not missing:
        return None
    there = ", ".join(columns)
    return f"{sync.model} has no {', '.join(missing)}: it has {there}; correct the document or the model"


def _prepare_known(con: duckdb.DuckDBPyConnection, sync: SyncDocument) -> int:
    """Temporary views `known` and `refused` over the ledger; returns the rows acknowledged before."""
    if not ledger.exists(con):
        con.execute("attach ':memory:' as state_to_be")
        con.execute("use state_to_be")
        con.execute(ledger.TABLES)
        con.execute("use warehouse")
    catalog = "state" if ledger.exists(con) else "state_to_be"
    con.execute(
        f"create or replace temp view known as select key, person_id, dest_id, payload, hash "
        f"from {catalog}.activation.state where sync = {text(sync.name)}"
    )
    con.execute(
        f"create or replace temp view refused as select key, hash, reason from {catalog}.activation.rejects "
        f"where sync = {text(sync.name)} and (error_class = 'permanent' or tries >= {RUNS_PER_REJECT})"
    )
    con.execute(
        f"create or replace temp view all_refused as select key from {catalog}.activation.rejects "
        f"where sync = {text(sync.name)}"
    )
    return con.execute("select count(*) from known").fetchall()[0][0]


def _repeated(con: duckdb.DuckDBPyConnection, sync: SyncDocument, surplus: int) -> str:
    examples = con.execute(
        f"select {key_of(sync)} as key from warehouse.{sync.model} as m "
        "group by 1 having count(*) > 1 order by 1 limit 3"
    ).fetchall()
    named = ", ".join(row[0] for row in examples)
    return f"{surplus} rows of {sync.model} repeat a {sync.key} (for example {named}): the key must be unique"


def _guarded(sync: SyncDocument, summary: PlanSummary) -> list[str]:
    """Each guard that the plan breaks, as a sentence."""
    guards, known, broken = sync.guards, summary.acknowledged_before, []
    if guards.refuse_empty and known and not summary.model:
        broken.append(f"{sync.model} is empty while {known} rows were delivered before (guard refuse_empty)")
    if guards.max_deletes is not None and summary.exit > guards.max_deletes:
        broken.append(f"{summary.exit} rows would leave, at most {guards.max_deletes} may (guard max_deletes)")
    for name, limit, count in (("max_share", guards.max_share, summary.exit),
                               ("max_change", guards.max_change, summary.update)):  # fmt: skip
        if limit is not None and count > SHARES_COUNT_FROM and count > limit * known:
            word = "leave" if name == "max_share" else "change"
            broken.append(f"{count} of {known} rows would {word}, at most {limit:.0%} may (guard {name})")
    return broken


def _fill(con: duckdb.DuckDBPyConnection, settings: Settings, sync: SyncDocument, summary: PlanSummary) -> None:
    """Write plan and header into the draft outbox."""
    columns = _columns(con, sync)
    kinds = {sync.match_by: columns[sync.key]} | {
        sync.fields[column].to: kind for column, kind in field_kinds(sync, columns).items()
    }
    con.execute(
        "insert into outbox.fields select unnest(?::varchar[]), unnest(?::varchar[])",
        [list(kinds), list(kinds.values())],
    )
    # Who leaves goes last: a batch is one kind of work.
    order = "order by decision = 'exit', key"
    con.execute(
        f"insert into outbox.ops select row_number() over ({order}), key, person_id, decision, dest_id, changes, "
        f"payload, hash, reason from judged where {_SENT} {order}"
    )
    con.execute(
        "insert into outbox.decisions select key, person_id, decision, reason, hash from judged "
        "where decision in ('held', 'rejected') "
        "union all select key, null, 'gone', 'no longer to be sent', null from all_refused where key not in "
        f"(select key from judged where {_SENT} or decision in ('held', 'rejected'))"
    )
    if find(sync.destination).CAPABILITIES.delivery == "snapshot" and summary.to_send:
        fields = ", ".join(f"m.{column} as {rule.to}" for column, rule in sync.fields.items())
        con.execute(
            f"create table outbox.snapshot as select {key_of(sync)} as _key, {fields} from warehouse.{sync.model} as m "
            f"where {key_of(sync)} in (select key from judged where decision in ('insert', 'update', 'unchanged')) "
            "order by 1"
        )
    con.execute(
        "insert into outbox.header values (?, ?, ?, ?, ?, ?, current_timestamp::timestamp, 'planned', "
        "null, null, null, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            sync.name, summary.run_id, sync.destination, sync.object, settings.env, summary.as_of,
            summary.model, summary.insert, summary.update, summary.exit, summary.unchanged, summary.held,
            summary.rejected_before, summary.acknowledged_before,
        ],
    )  # fmt: skip
