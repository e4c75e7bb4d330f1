"""One run of identity resolution: from the warehouse to people with lasting ids in state, Parquet and warehouse.

What a person is, is decided elsewhere in this package; here is only the order of things and where they are kept.
"""

import hashlib
import json
import logging
import time
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb

from orchestration.identity import decisions, linkage_store, plans, state, tables, versions
from orchestration.identity.apply import Change, register, serve
from orchestration.identity.plans import Plan
from orchestration.identity.solve import solve
from orchestration.identity.state import Run
from orchestration.settings import Settings
from orchestration.warehouse import engine

_log = logging.getLogger(__name__)
_CONTACTS = (
    "record_id, source, coalesce(first_name_std, first_name) as first_name, middle_name, "
    "coalesce(last_name_std, last_name) as last_name, name_suffix, full_name, birth_date, gender, email_std as email, "
    "phone_std as phone, street_std as street, city_std as city, postal_code_std as postal_code, created_at"
)
_IDENTIFIERS = "record_id, identifier_type, identifier_value, first_seen_at"
_NO_DECISIONS = (
    "select null::varchar as record_id_l, null::varchar as record_id_r, null::varchar as decision, "
    "null::bigint as decision_no where false"
)

_UNCHANGED = {"is_unchanged": True, "held": None}


def resolve(
    settings: Settings,
    *,
    as_of: date | None,
    run_id: str,
    retrain: bool = False,
    is_approved: bool = False,
    is_proposal: bool = False,
    who: str | None = None,
) -> dict[str, Any]:
    """Resolve `conformed.contacts` and `conformed.identifiers` into schema `identity`; returns figures of the run.

    Does nothing when contacts, identifiers, decisions and model are those of the last run (`is_unchanged`). A run that
    would change too many people waits (`held` says why, and what to do) unless it `is_approved`, and so does a
    proposal; what was served before stays. The state is written first, the warehouse last: a run that dies between is
    done again and finds its own ids in the registry.
    """
    started = time.monotonic()
    with engine.reading(settings) as con:
        inputs = _read(con)
        last, waiting, served = _last_run(con), _waiting(con), _served(con)
    if not (retrain or is_approved or is_proposal):
        fingerprint = _fingerprint(inputs, versions.path(settings))
        stopped = plans.in_the_way(waiting, fingerprint)
        if stopped:
            return _held(settings, stopped, last, served, started)
        if last and _is_served(settings, last, served, fingerprint):
            _let_go(settings, waiting)
            return {**json.loads(last["metrics"] or "{}"), **_UNCHANGED, "seconds": {"total": _since(started)}}
    # A model in training does not take the place of the one in use before its partition is applied.
    model_path = plans.folder(settings, run_id) / "model.json" if retrain else versions.path(settings)
    # What was solved last is what is served, so that what changed since is all that need be told.
    since = last["run_no"] if last and _is_served(settings, last, served, last["fingerprint"]) else None
    store = None if retrain and is_proposal else linkage_store.path(settings)
    with engine.reading(settings) as con:
        con.execute("use memory")
        solved, found = solve(con, _queries(con), model_path=model_path, retrain=retrain, store=store, since=since)
    found["seconds"]["read"] = round(_since(started) - sum(found["seconds"].values()), 2)
    run = Run(
        run_id,
        versions.of(model_path),
        as_of,
        _fingerprint(inputs, model_path),
        "retrain" if retrain else "resolve",
        who,
    )
    step = time.monotonic()
    change = Change(**{name: solved[name] for name in ("partition", "links", "skipped_identifiers", "gone")})
    applied = register(
        settings,
        change,
        run,
        found=found,
        hold_back="asked for, and not applied yet" if is_proposal else None,
        is_approved=is_approved,
        before_commit=(lambda: versions.install(settings, model_path)) if retrain and model_path.exists() else None,
    )
    found["seconds"]["register"] = _since(step)
    if applied.is_waiting:
        return _held(settings, applied.plan, last, served, started)
    step = time.monotonic()
    serve(settings, change, applied, run)
    if store:
        linkage_store.settle(store, applied.run_no)
    found["seconds"]["write"] = _since(step)
    found["seconds"]["total"] = _since(started)
    _log.info("identity: %s", json.dumps(found))
    return {**found, "is_unchanged": False, "held": None, "churn": applied.churn.numbers()}


def promote(settings: Settings, run_id: str | None, *, who: str) -> dict[str, Any]:
    """Apply a plan that waits, exactly as it was shown; or end a rollback and resolve anew.

    A plan of a new model that was overtaken by other runs is made again with that model. Raises PlanError.
    """
    with engine.writing_state(settings) as con:
        plan = plans.find(con, run_id)
        is_overtaken = plan.base_no != state.last_no(con)
    if plan.status == "standing":
        figures = resolve(settings, as_of=plan.as_of, run_id=new_run_id(), is_approved=True, who=who)
        with engine.writing_state(settings) as con:
            plans.settle(con, plan, status="promoted", who=who)
        return figures
    model_path = plans.folder(settings, plan.run_id) / "model.json"
    if is_overtaken and plan.action == "retrain" and model_path.exists():
        versions.install(settings, model_path)
        return resolve(settings, as_of=plan.as_of, run_id=plan.run_id, is_approved=True, who=who)
    if is_overtaken:
        raise plans.PlanError(
            f"other runs were applied since {plan.run_id} was planned: `tessera identity discard {plan.run_id}`, "
            "and run `tessera run daily` to plan it anew"
        )
    return _apply_plan(settings, plan, who=who)


def _apply_plan(settings: Settings, plan: Plan, *, who: str) -> dict[str, Any]:
    change = Change(**plans.stored(settings, plan.run_id))
    run = Run(plan.run_id, plan.model_version, plan.as_of, plan.fingerprint, plan.action, who, "promoted")
    model_path = plans.folder(settings, plan.run_id) / "model.json"
    found: dict[str, Any] = {"records": change.partition.num_rows, "model_version": plan.model_version}
    applied = register(
        settings,
        change,
        run,
        found=found,
        is_approved=True,
        before_commit=(lambda: versions.install(settings, model_path)) if model_path.exists() else None,
    )
    serve(settings, change, applied, run)
    return {**found, "is_unchanged": False, "held": None, "churn": applied.churn.numbers()}


def discard(settings: Settings, run_id: str | None, *, who: str) -> Plan:
    """Let a plan that waits go; the same inputs are planned again by the next run. Raises PlanError."""
    with engine.writing_state(settings) as con:
        plan = plans.find(con, run_id)
        if plan.status == "standing":
            raise plans.PlanError(f"{plan.run_id} is a rollback and was applied: `tessera identity promote` ends it")
        plans.settle(con, plan, status="discarded", who=who)
        plans.forget(settings, con)
    return plan


def new_run_id() -> str:
    """An id for a run that no orchestrator started."""
    return f"{datetime.now():%Y%m%d%H%M%S}-{uuid4().hex[:6]}"


def _let_go(settings: Settings, waiting: list[Plan]) -> None:
    """A plan that was held for its data is over once the data is as it was."""
    held = [plan for plan in waiting if plan.status == "held"]
    if not held:
        return
    with engine.writing_state(settings) as con:
        for plan in held:
            plans.settle(con, plan, status="superseded", who="the data is as it was")
        plans.forget(settings, con)


def _held(
    settings: Settings, plan: Plan, last: dict[str, Any] | None, served: str | None, started: float
) -> dict[str, Any]:
    """Figures of a run that changed nothing; a warehouse that lost what was served last gets it back."""
    if last and served is None:
        tables.restore(settings, last["run_id"], last["fingerprint"])
    figures = json.loads(last["metrics"] or "{}") if last else {}
    numbers = {"held": plan.told(), "held_run": plan.run_id, "churn": plan.churn.numbers()}
    return {**figures, **numbers, "is_unchanged": True, "seconds": {"total": _since(started)}}


def _since(start: float) -> float:
    return round(time.monotonic() - start, 2)


def _queries(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The inputs as queries of the warehouse and of the state."""
    standing = _NO_DECISIONS
    if engine.table_exists(con, "identity", "decisions", catalog="state"):
        standing = "select * from state.identity.decisions"
    return {
        "contacts": f"select {_CONTACTS} from warehouse.conformed.contacts",
        "identifiers": f"select {_IDENTIFIERS} from warehouse.conformed.identifiers",
        "decisions": decisions.standing_sql(f"({standing})"),
    }


def _read(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """A count and a hash of each input that do not depend on the order of rows."""
    return {
        f"{name}_hash": con.execute(
            f"select count(*), cast(coalesce(sum(hash(t)), 0) as varchar) from ({query}) as t"
        ).fetchall()[0]
        for name, query in _queries(con).items()
    }


def _fingerprint(inputs: dict[str, Any], model_path: Path) -> str:
    parts = [inputs[f"{name}_hash"] for name in ("contacts", "identifiers", "decisions")]
    return hashlib.md5(repr([versions.of(model_path), parts]).encode()).hexdigest()


def _last_run(con: duckdb.DuckDBPyConnection) -> dict[str, Any] | None:
    if not engine.table_exists(con, "identity", "runs", catalog="state"):
        return None
    rows = con.execute(
        "select run_no, run_id, fingerprint, metrics from state.identity.runs order by run_no desc limit 1"
    ).fetchall()
    return dict(zip(("run_no", "run_id", "fingerprint", "metrics"), rows[0], strict=True)) if rows else None


def _waiting(con: duckdb.DuckDBPyConnection) -> list[Plan]:
    is_known = engine.table_exists(con, "identity", "plans", catalog="state")
    return plans.waiting(con, "state.identity") if is_known else []


def _served(con: duckdb.DuckDBPyConnection) -> str | None:
    """The fingerprint of the run that the warehouse shows."""
    if not engine.table_exists(con, "identity", "current_run", catalog="warehouse"):
        return None
    return con.execute("select max(fingerprint) from identity.current_run").fetchall()[0][0]


def _is_served(settings: Settings, last: dict[str, Any], served: str | None, fingerprint: str) -> bool:
    exported = all((settings.root / "identity" / f"{table}.parquet").exists() for table in tables.TABLES)
    return exported and last["fingerprint"] == fingerprint == served
