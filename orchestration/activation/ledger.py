"""What every sync has planned, sent and had acknowledged, in the state database: its tables, and the export for BI.

It is never rebuilt: with it a rebuilt warehouse sends nothing twice. Who writes a row is `record.py`.
"""

from dataclasses import dataclass

import duckdb

from orchestration.activation.errors import ForeignLedgerError
from orchestration.settings import Settings
from orchestration.warehouse import engine

# state: what the destination holds of ours, one row per sync and key. crosswalk: its id for our key, and the person.
# runs, plan, attempts: append-only by run. rejects: rows refused as they are, until they change.
TABLES = """
create schema if not exists activation;
create table if not exists activation.runs (
    sync varchar, run_id varchar, destination varchar, object varchar, environment varchar, as_of date,
    planned_at timestamp, status varchar, message varchar, endpoint varchar, delivered_at timestamp,
    count_model bigint, count_insert bigint, count_update bigint, count_exit bigint, count_unchanged bigint,
    count_held bigint, count_rejected_before bigint, count_acknowledged_before bigint,
    count_acknowledged bigint, count_rejected bigint, count_held_late bigint, count_open bigint, recorded_at timestamp,
    primary key (sync, run_id)
);
create table if not exists activation.plan (
    sync varchar, run_id varchar, seq bigint, key varchar, person_id varchar, op varchar, reason varchar,
    changes map(varchar, varchar), hash varchar
);
create table if not exists activation.attempts (
    sync varchar, run_id varchar, seq bigint, key varchar, op varchar, outcome varchar, attempt integer,
    http_status integer, error_class varchar, code varchar, message varchar, dest_id varchar, answered_at timestamp
);
create table if not exists activation.rejects (
    sync varchar, key varchar, hash varchar, error_class varchar, code varchar, reason varchar, first_at timestamp,
    tries integer, run_id varchar
);
create table if not exists activation.state (
    sync varchar, key varchar, person_id varchar, dest_id varchar, payload map(varchar, varchar), hash varchar,
    run_id varchar, acknowledged_at timestamp
);
create table if not exists activation.crosswalk (
    destination varchar, object varchar, key varchar, dest_id varchar, person_id varchar, first_at timestamp,
    last_at timestamp
);
"""

RESULTS = """
select
    r.sync, r.run_id, r.destination, r.object, r.environment, r.as_of, r.status, r.recorded_at,
    o.op, o.outcome, o.error_class, o.code, cast(coalesce(o.count_rows, 0) as bigint) as count_rows
from activation.runs as r
left join (
    select sync, run_id, op, outcome, error_class, code, count(*) as count_rows
    from activation.attempts group by all
) as o on o.sync = r.sync and o.run_id = r.run_id
where o.count_rows > 0 or r.status in ('stopped', 'refused')
"""


def exists(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether catalog `state` holds a ledger."""
    return engine.table_exists(con, "activation", "runs", "state")


def check_environment(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Raise ForeignLedgerError when catalog `state` holds runs of another environment."""
    if not exists(con):
        return
    others = con.execute(
        "select distinct environment from state.activation.runs where environment <> ?", [settings.env]
    ).fetchall()
    if others:
        raise ForeignLedgerError(
            f"{settings.state} records what environment '{others[0][0]}' sent, this is '{settings.env}': "
            "set TESSERA_ENV or TESSERA_HOME so that both belong to one environment"
        )


@dataclass(frozen=True)
class LastResult:
    """How the newest run of a sync ended; `status` is `never` before the first."""

    status: str = "never"
    acknowledged: int = 0
    rejected: int = 0
    open: int = 0
    message: str | None = None


def last_result(settings: Settings, sync: str) -> LastResult:
    """The newest run of the sync. `rejected` also counts rows refused earlier that still wait for a change."""
    with engine.writing_state(settings) as con:
        con.execute(TABLES)
        rows = con.execute(
            "select status, coalesce(count_acknowledged, 0), coalesce(count_rejected, 0) "
            "+ coalesce(count_rejected_before, 0), coalesce(count_open, 0), message "
            "from activation.runs where sync = ? and status <> 'adopted' order by recorded_at desc limit 1",
            [sync],
        ).fetchall()
    return LastResult(*rows[0]) if rows else LastResult()


def export_results(settings: Settings) -> int:
    """Copy outcomes, without personal data, to `activation.results` of the warehouse; returns its rows.

    One row per run, operation, outcome and code. A run that had nothing to send leaves none, so that a run without
    change changes no mart; one that was stopped has a row with the outcome empty.
    """
    with engine.writing_state(settings) as con:
        con.execute(TABLES)
        results = con.sql(RESULTS).to_arrow_table()
    with engine.writing(settings) as con:
        con.execute("create schema if not exists activation")
        con.register("exported_results", results)
        con.execute("create or replace table activation.results as select * from exported_results")
    return results.num_rows
