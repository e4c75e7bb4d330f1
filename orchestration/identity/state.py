"""The tables of schema `identity` in the state database, and what a run is. Never rebuilt, only added to.

Who writes which: `registry` people, aliases and membership, `ledger` its rows, `decisions`, `holds`, `plans` their own.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import duckdb

# runs: one row per applied run; run_no orders them. membership: whose a record was from one run until another, the
# open ones have no to_no. people: every id ever given. aliases: ids that another person took over, chains resolved.
_TABLES = """
    create schema if not exists identity;
    create table if not exists identity.runs (
        run_no bigint, run_id varchar, action varchar, fingerprint varchar, model_version varchar, as_of date,
        recorded_at timestamp, who varchar, why varchar, metrics varchar
    );
    create table if not exists identity.membership (
        record_id varchar, person_id varchar, from_no bigint, to_no bigint
    );
    create table if not exists identity.people (
        person_id varchar, created_no bigint, created_run varchar, status varchar
    );
    create table if not exists identity.aliases (person_id varchar, survivor_id varchar, run_id varchar);
    create table if not exists identity.ledger (
        run_no bigint, event varchar, person_id varchar, other_person_id varchar, count_records bigint, cause varchar,
        record_id_l varchar, record_id_r varchar, rule varchar, match_weight double,
        run_id varchar, model_version varchar, as_of date, recorded_at timestamp
    );
    create table if not exists identity.decisions (
        decision_no bigint, record_id_l varchar, record_id_r varchar, decision varchar, origin varchar, who varchar,
        decided_at timestamp, why varchar
    );
    create table if not exists identity.holds (
        person_id varchar, held_at timestamp, held_by varchar, why varchar, released_at timestamp, released_by varchar
    );
    create table if not exists identity.plans (
        plan_no bigint, run_id varchar, action varchar, status varchar, reason varchar, fingerprint varchar,
        model_version varchar, as_of date, base_no bigint, churn varchar, recorded_at timestamp, settled_at timestamp,
        settled_by varchar
    );
"""


def now() -> datetime:
    """The moment something is recorded: UTC, without a zone, as all timestamps here."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class Run:
    """What is noted beside everything a run changes.

    `as_of` is the business day that the partition is true for, `recorded_at` when we came to know it. `action`:
    resolve, retrain, unmerge or rollback.
    """

    run_id: str
    model_version: str
    as_of: date | None
    fingerprint: str = ""
    action: str = "resolve"
    who: str | None = None
    why: str | None = None
    recorded_at: datetime = field(default_factory=now)


def create_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of schema `identity` where they are missing; `con` is the state database, writable."""
    con.execute(_TABLES)


def last_no(con: duckdb.DuckDBPyConnection) -> int:
    """The number of the newest applied run, 0 before the first."""
    return con.execute("select coalesce(max(run_no), 0) from identity.runs").fetchall()[0][0]


def open_run(con: duckdb.DuckDBPyConnection, run: Run) -> int:
    """Note a run that is about to be applied, in the caller's transaction; returns its number."""
    number = last_no(con) + 1
    con.execute(
        "insert into identity.runs values (?, ?, ?, ?, ?, ?, ?, ?, ?, null)",
        [
            number, run.run_id, run.action, run.fingerprint, run.model_version, run.as_of, run.recorded_at, run.who,
            run.why,
        ],
    )  # fmt: skip
    return number
