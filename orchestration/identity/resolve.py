"""One run of identity resolution: from the warehouse to people with lasting ids in state, Parquet and warehouse.

What a person is, is decided elsewhere in this package; here is only the order of things and where they are kept.
"""

import hashlib
import json
import logging
import time
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.identity import decisions, model, registry, tables
from orchestration.identity.solve import solve
from orchestration.settings import Settings
from orchestration.warehouse import engine

_log = logging.getLogger(__name__)
_CONTACTS = (
    "record_id, source, first_name, middle_name, last_name, name_suffix, full_name, first_name_std, last_name_std, "
    "birth_date, gender, email_std, phone_std, street_std, city_std, postal_code_std, created_at"
)
_IDENTIFIERS = "record_id, identifier_type, identifier_value, first_seen_at"
_NO_DECISIONS = (
    "select null::varchar as record_id_l, null::varchar as record_id_r, null::varchar as decision, "
    "null::timestamp as decided_at where false"
)


def resolve(settings: Settings, *, as_of: date | None, run_id: str, retrain: bool = False) -> dict[str, Any]:
    """Resolve `conformed.contacts` and `conformed.identifiers` into schema `identity`; returns figures of the run.

    Does nothing when contacts, identifiers, decisions and model are those of the last run (`is_unchanged`). The state
    is written first, the warehouse last: a run that dies between is done again and finds its own ids in the registry.
    """
    started = time.monotonic()
    model_path = settings.root / "identity" / f"model-{model.VERSION}.json"
    with engine.reading(settings) as con:
        inputs = _read(con)
        last = _last_run(con)
        served = _served(con)
    if last and not retrain and _is_served(settings, last, served, _fingerprint(inputs, model_path)):
        return {**json.loads(last["metrics"]), "is_unchanged": True, "seconds": {"total": _since(started)}}
    with engine.memory(settings) as con:
        solved, found = solve(con, inputs, model_path=model_path, retrain=retrain)
    found["seconds"]["read"] = round(_since(started) - sum(found["seconds"].values()), 2)
    fingerprint = _fingerprint(inputs, model_path)
    step = time.monotonic()
    with engine.writing_state(settings) as con:
        ids = _register(con, solved, found, run_id=run_id, as_of=as_of, fingerprint=fingerprint)
    found["seconds"]["register"] = _since(step)
    step = time.monotonic()
    with engine.memory(settings) as con:
        served_tables = tables.with_ids(con, solved, ids, inputs)
    tables.export(settings.root / "identity", served_tables)
    tables.write(settings, served_tables, run_id, fingerprint)
    found["seconds"]["write"] = _since(step)
    found["seconds"]["total"] = _since(started)
    _log.info("identity: %s", json.dumps(found))
    return {**found, "is_unchanged": False}


def _since(start: float) -> float:
    return round(time.monotonic() - start, 2)


def _read(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The inputs as Arrow tables, and a hash over each that does not depend on the order of rows."""
    standing = _NO_DECISIONS
    if engine.table_exists(con, "identity", "decisions", catalog="state"):
        standing = "select * from state.identity.decisions"
    queries = {
        "contacts": f"select {_CONTACTS} from conformed.contacts",
        "identifiers": f"select {_IDENTIFIERS} from conformed.identifiers",
        "decisions": decisions.standing_sql(f"({standing})"),
    }
    read: dict[str, Any] = {}
    for name, query in queries.items():
        hashed = f"select count(*), cast(coalesce(sum(hash(t)), 0) as varchar) from ({query}) as t"
        read[f"{name}_hash"] = con.execute(hashed).fetchall()[0]
        read[name] = con.execute(query).to_arrow_table()
    return read


def _fingerprint(inputs: dict[str, Any], model_path: Path) -> str:
    trained = hashlib.md5(model_path.read_bytes()).hexdigest() if model_path.exists() else "untrained"
    parts = [inputs[f"{name}_hash"] for name in ("contacts", "identifiers", "decisions")]
    return hashlib.md5(repr([model.VERSION, trained, parts]).encode()).hexdigest()


def _last_run(con: duckdb.DuckDBPyConnection) -> dict[str, Any] | None:
    if not engine.table_exists(con, "identity", "runs", catalog="state"):
        return None
    rows = con.execute("select fingerprint, metrics from state.identity.runs order by run_no desc limit 1").fetchall()
    return {"fingerprint": rows[0][0], "metrics": rows[0][1]} if rows else None


def _served(con: duckdb.DuckDBPyConnection) -> str | None:
    """The fingerprint of the run that the warehouse shows."""
    if not engine.table_exists(con, "identity", "current_run", catalog="warehouse"):
        return None
    return con.execute("select max(fingerprint) from identity.current_run").fetchall()[0][0]


def _is_served(settings: Settings, last: dict[str, Any], served: str | None, fingerprint: str) -> bool:
    exported = all((settings.root / "identity" / f"{table}.parquet").exists() for table in tables.TABLES)
    return exported and last["fingerprint"] == fingerprint == served


def _register(
    con: duckdb.DuckDBPyConnection, solved: dict[str, pa.Table], found: dict[str, Any], **run: Any
) -> pa.Table:
    """Give ids and note the run, in one transaction of the state database."""
    con.execute("begin transaction")
    registry.create_tables(con)
    ids, events = registry.assign(
        con, solved["partition"], run_id=run["run_id"], model_version=model.VERSION, as_of=run["as_of"]
    )
    found.update(events)
    con.execute(
        "insert into identity.runs select coalesce(max(run_no), 0) + 1, ?, ?, ?, ?, ? from identity.runs",
        [run["run_id"], run["fingerprint"], model.VERSION, run["as_of"], json.dumps(found)],
    )
    con.execute("commit")
    return ids
