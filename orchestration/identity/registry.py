"""Person ids that last: writes into state what a partition means for them. What it means is found in `proposal`."""

import duckdb
import pyarrow as pa

from orchestration.identity import ledger, proposal, state
from orchestration.identity.state import Run

EVENTS = ("created", "merged", "split", "moved", "restored", "retired")


def assign(
    con: duckdb.DuckDBPyConnection,
    partition: pa.Table,
    run: Run,
    *,
    gone: pa.Table | None = None,
    links: pa.Table | None = None,
) -> tuple[pa.Table, dict[str, int]]:
    """Give each group of `partition` (record_id, person: any label) its lasting id, inside the caller's transaction.

    A group keeps the id of the person with whom it shares most records (then the older person, then the smaller id);
    an id that no group keeps becomes an alias of the person that got most of its records. Returns (record_id,
    person_id) and counts of events. Without `gone` the partition is the whole.
    """
    proposal.propose(con, partition, gone=gone)
    return apply(con, run, links=links)


def apply(
    con: duckdb.DuckDBPyConnection, run: Run, *, links: pa.Table | None = None
) -> tuple[pa.Table, dict[str, int]]:
    """Write what `proposal.propose` found; returns (record_id, person_id) of its records and counts of events."""
    # What parted or joined people is told by how things were, so it is found before they change.
    ledger.explain(con, run, links)
    run_no = state.open_run(con, run)
    _write_people(con, run)
    _write_membership(con, run_no)
    ledger.write(con, run, run_no)
    counted = dict(con.execute("select event, count(*) from events group by event").fetchall())
    return proposal.proposed_ids(con), {event: counted.get(event, 0) for event in EVENTS}


def _write_people(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """New people, people who are back, who is merged or retired, and aliases, those of aliases too."""
    con.execute("delete from identity.aliases where person_id in (select person_id from returning_people)")
    con.execute(
        "update identity.people set status = 'current' where person_id in (select person_id from returning_people)"
    )
    con.execute(
        "insert into identity.people select person_id, "
        "(select coalesce(max(created_no), 0) from identity.people) + row_number() over (order by founder), ?, "
        "'current' from fresh where person_id not in (select person_id from returning_people)",
        [run.run_id],
    )
    con.execute(
        "create or replace temp table absorbed as select person_id, arg_max(other_person_id, (count_records, "
        "other_person_id)) as survivor_id from events where event = 'merged' group by person_id"
    )
    con.execute(
        "update identity.aliases set survivor_id = absorbed.survivor_id from absorbed "
        "where identity.aliases.survivor_id = absorbed.person_id"
    )
    con.execute(
        "insert into identity.aliases select person_id, survivor_id, ? from absorbed order by person_id", [run.run_id]
    )
    for status, event in (("merged", "merged"), ("retired", "retired")):
        con.execute(
            "update identity.people set status = ? where person_id in (select person_id from events where event = ?)",
            [status, event],
        )


def _write_membership(con: duckdb.DuckDBPyConnection, run_no: int) -> None:
    """End the membership of records that move or leave, begin that of records that are new, moved or back."""
    con.execute(
        "create or replace temp table changed as select record_id, given.person_id from parts inner join given "
        "using (part) left join former using (record_id) where former.person_id is distinct from given.person_id"
    )
    con.execute(
        "update identity.membership set to_no = ? where to_no is null and record_id in "
        "(select record_id from changed union all select record_id from leaving)",
        [run_no],
    )
    con.execute("insert into identity.membership select record_id, person_id, ?, null from changed", [run_no])
