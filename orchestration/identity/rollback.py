"""Serving the partition of an earlier run again, until a person lets ordinary runs go on.

Everybody of that run gets the id of then. Records that came later are people of their own: nothing that was found out
after that run is believed. Records that are gone since stay gone. The model of that run comes back with it.
"""

import pyarrow as pa

from orchestration.identity import apply, history, plans, state, versions
from orchestration.identity.apply import Applied, Change
from orchestration.identity.plans import PlanError
from orchestration.identity.state import Run
from orchestration.settings import Settings
from orchestration.warehouse import engine


def prepare(settings: Settings, to: str) -> tuple[Change, history.PastRun]:
    """The change that leads back to run `to`; writes nothing. Raises UnknownIdError, PlanError."""
    with engine.writing_state(settings) as con:
        state.create_tables(con)
        target, last = history.run_at(con, to), history.run_at(con)
        if target.run_no == last.run_no:
            raise PlanError(f"{target} is what is served now: name an earlier one of `tessera identity runs`")
        standing = [plan for plan in plans.waiting(con) if plan.status == "standing"]
        if standing:
            raise PlanError(f"{standing[0].run_id} is rolled back already: `tessera identity promote` first")
        # Persons of then are labelled 1 .. n, records that came later go on from there.
        rows = con.execute(
            f"with past as {history.partition_sql(target.run_no)}, "
            "labels as (select person_id, row_number() over (order by person_id) as label from "
            "(select distinct person_id from past)), "
            "present as (select record_id from identity.membership where to_no is null) "
            "select present.record_id, past.person_id, coalesce(label, (select count(*) from labels) + row_number() "
            "over (partition by label is null order by present.record_id)) as person "
            "from present left join past using (record_id) left join labels on labels.person_id = past.person_id"
        ).to_arrow_table()
    partition = rows.select(["record_id", "person"])
    known = rows.filter(rows.column("person_id").is_valid())
    wanted = pa.table({"part": known.column("person"), "person_id": known.column("person_id")})
    wanted = wanted.group_by(["part", "person_id"]).aggregate([])
    return Change(partition, apply.links_within(settings, partition), wanted=wanted), target


def rollback(settings: Settings, to: str, *, who: str, why: str, run_id: str) -> Applied:
    """Serve the partition of run `to`; ordinary runs change nothing from now on until `tessera identity promote`."""
    change, target = prepare(settings, to)
    with engine.writing_state(settings) as con:
        as_of = history.run_at(con).as_of
        version = con.execute("select model_version from identity.runs where run_no = ?", [target.run_no]).fetchall()[
            0
        ][0]
    run = Run(run_id, version, as_of, f"rollback {run_id}", "rollback", who, f"back to {target.run_id}: {why}")
    applied = apply.register(
        settings,
        change,
        run,
        found={"records": change.partition.num_rows, "model_version": version},
        is_approved=True,
        status="standing",
        before_commit=lambda: versions.bring_back(settings, version),
    )
    apply.serve(settings, change, applied, run)
    return applied
