"""First step of a sync: what the destination lacks, judged by guards, written to an outbox. Sends nothing."""

from dataclasses import replace
from datetime import date
from typing import NoReturn

import duckdb

from orchestration.activation import draft, ledger, marks, outbox
from orchestration.activation.comparison import RUNS_PER_REJECT, field_kinds, judgement, key_of, text
from orchestration.activation.destination import find
from orchestration.activation.document import SyncDocument
from orchestration.activation.errors import PlanRefusedError
from orchestration.activation.record import record, record_refusal
from orchestration.activation.result import PlanSummary
from orchestration.activation.scope import USUAL, Scope
from orchestration.identity.history import parted_people
from orchestration.identity.holds import held_people
from orchestration.landing.health import sick_sources
from orchestration.settings import Settings
from orchestration.warehouse import engine

# Shares say nothing about a handful of rows.
SHARES_COUNT_FROM = 10


def plan(settings: Settings, sync: SyncDocument, run_id: str, as_of: date, scope: Scope = USUAL) -> PlanSummary:
    """Compare the model with the ledger and write the outbox of this run.

    Outboxes that earlier runs left are recorded first: what they had acknowledged counts, the rest is planned anew.
    Planning a run again that was planned already returns its plan. Raises PlanRefusedError when a guard, a key, a sick
    source, the environment or an old ledger forbids sending; the refusal is in the ledger.
    """
    file = outbox.path(settings, sync.name, run_id)
    if scope.accept_older_ledger:
        marks.remove(settings, sync.name)
    with engine.reading(settings) as con:
        ledger.check_environment(con, settings)
        behind = marks.behind(con, settings, sync.name)
    if behind:
        _refuse(settings, sync, PlanSummary(sync.name, run_id, as_of, refusals=(behind,)), scope)
    for earlier in outbox.unfinished(settings, sync.name):
        if earlier != run_id:
            record(settings, sync.name, earlier)
    if file.exists():
        return planned(settings, sync.name, run_id)
    with engine.reading(settings) as con:
        summary = _judge(con, settings, sync, PlanSummary(sync.name, run_id, as_of), scope)
        if not summary.refusals:
            with outbox.drafting(con, file):
                draft.fill(con, settings, sync, columns_of(con, sync), summary)
    if summary.refusals:
        _refuse(settings, sync, summary, scope)
    return summary


def _refuse(settings: Settings, sync: SyncDocument, summary: PlanSummary, scope: Scope) -> NoReturn:
    # Somebody tries one row: that says nothing of the sync.
    if scope.only is None:
        record_refusal(settings, sync, summary)
    raise PlanRefusedError(f"{sync.name}: nothing was sent: {'; '.join(summary.refusals)}")


def preview(settings: Settings, sync: SyncDocument, as_of: date, scope: Scope = USUAL) -> PlanSummary:
    """The plan as it would be, refusals included; writes nothing."""
    nothing = PlanSummary(sync.name, "preview", as_of)
    with engine.reading(settings) as con:
        ledger.check_environment(con, settings)
        behind = None if scope.accept_older_ledger else marks.behind(con, settings, sync.name)
        if behind:
            return replace(nothing, refusals=(behind,))
        return _judge(con, settings, sync, nothing, scope)


def planned(settings: Settings, sync: str, run_id: str) -> PlanSummary:
    """The plan that waits in the outbox of a run."""
    with outbox.opened(settings, sync, run_id) as con:
        row = con.execute(
            "select as_of, count_model, count_insert, count_update, count_exit, count_unchanged, count_held, "
            "count_rejected_before, count_acknowledged_before from outbox.header"
        ).fetchall()[0]
        return PlanSummary(sync, run_id, *row, fields=outbox.changed_fields(con, "outbox.ops"))


def _judge(
    con: duckdb.DuckDBPyConnection, settings: Settings, sync: SyncDocument, nothing: PlanSummary, scope: Scope
) -> PlanSummary:
    """Make temporary table `judged` and count it into `nothing`; with a refusal there may be none."""
    if settings.env not in sync.environment:
        return replace(nothing, refusals=(f"it runs in {', '.join(sync.environment)}, this is {settings.env}",))
    if sick := sick_sources(settings, sync.requires):
        return replace(nothing, refusals=(sick,))
    if unreadable := unreadable_model(con, sync):
        return replace(nothing, refusals=(unreadable,))
    if scope.only is not None and find(sync.destination).CAPABILITIES.delivery == "snapshot":
        return replace(nothing, refusals=(f"{sync.destination} is handed over whole: there is no sending of one row",))
    known = _prepare_known(con, sync, scope)
    con.execute(f"create or replace temp view on_hold as select * from {held_people(con)} as h(person_id)")
    con.execute(f"create or replace temp view parted as {parted_people(con)}")
    rows, empty, keys = con.execute(
        f"select count(*), count(*) filter ({key_of(sync)} is null), count(distinct {key_of(sync)}) "
        f"from warehouse.{sync.model} as m"
    ).fetchall()[0]
    nothing = replace(nothing, model=rows, acknowledged_before=known)
    if empty:
        return replace(nothing, refusals=(f"{empty} rows of {sync.model} have no {sync.key}: the key must be there",))
    if keys < rows:
        return replace(nothing, refusals=(_repeated(con, sync, rows - keys),))
    kinds = field_kinds(sync, columns_of(con, sync))
    con.execute(f"create or replace temp table judged as {judgement(sync, kinds)}")
    if scope.only is not None and (problem := _narrow(con, scope.only)):
        return replace(nothing, refusals=(problem,))
    counts = dict(con.execute("select decision, count(*) from judged group by 1").fetchall())
    summary = replace(
        nothing,
        **{name: counts.get(name, 0) for name in ("insert", "update", "exit", "unchanged", "held")},
        rejected_before=counts.get("rejected", 0),
        fields=outbox.changed_fields(con, f"(from judged where {draft.SENT})"),
    )
    return replace(summary, refusals=tuple(_guarded(sync, summary)))


def _narrow(con: duckdb.DuckDBPyConnection, key: str) -> str | None:
    """Leave only one key to be sent; why there is nothing to send of it, if so."""
    con.execute(f"update judged set decision = 'later' where key is distinct from ? and {draft.SENT}", [key])
    found = con.execute("select decision, reason from judged where key = ?", [key]).fetchall()
    if not found:
        return f"no row of the model or the ledger has key '{key}'"
    decision, reason = found[0]
    if decision in ("insert", "update", "exit"):
        return None
    return f"'{key}' is {decision}{f' ({reason})' if reason else ''}: there is nothing to send"


def unreadable_model(con: duckdb.DuckDBPyConnection, sync: SyncDocument) -> str | None:
    """What the sync reads and is not there, table or column, as a sentence."""
    return _unbuilt(con, sync) or _unknown_columns(sync, columns_of(con, sync))


def _unbuilt(con: duckdb.DuckDBPyConnection, sync: SyncDocument) -> str | None:
    """The first table the sync reads that is not there, as a sentence."""
    tables = [sync.model, *(["profile.effective_consents"] if sync.consent.contact_point else [])]
    for table in tables:
        if not engine.table_exists(con, *table.split("."), "warehouse"):
            return f"there is no {table} in the warehouse: build the models first"
    return None


def columns_of(con: duckdb.DuckDBPyConnection, sync: SyncDocument) -> dict[str, str]:
    """The columns of the model, with types."""
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


def _prepare_known(con: duckdb.DuckDBPyConnection, sync: SyncDocument, scope: Scope) -> int:
    """Temporary views `known` and `refused` over the ledger; returns the rows acknowledged before."""
    if not ledger.exists(con):
        con.execute("attach ':memory:' as state_to_be")
        con.execute("use state_to_be")
        con.execute(ledger.TABLES)
        con.execute("use warehouse")
    catalog = "state" if ledger.exists(con) else "state_to_be"
    con.execute(
        f"create or replace temp view known as select key, person_id, dest_id, payload, hash, acknowledged_at "
        f"from {catalog}.activation.state where sync = {text(sync.name)}"
    )
    con.execute(
        f"create or replace temp view refused as select key, hash, reason from {catalog}.activation.rejects "
        f"where sync = {text(sync.name)} and (error_class = 'permanent' or tries >= {RUNS_PER_REJECT})"
        f"{' and false' if scope.retry else ''}"
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
