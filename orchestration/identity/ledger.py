"""Why ids changed: for every event of a run its cause and the evidence, written beside the run, the model and the days.

Which events there are is decided in `proposal`. Reading the past is in `history`.
"""

import duckdb
import pyarrow as pa

from orchestration.identity import decisions
from orchestration.identity.state import Run

# Of several links between two former persons the strongest is told: a steward's, an identifier's, then by weight.
_STRENGTH = "(rule = 'steward') desc, (link_type = 'deterministic') desc, match_weight desc nulls last"


def explain(con: duckdb.DuckDBPyConnection, run: Run, links: pa.Table | None) -> None:
    """Temporary table `explained`: `events` with cause, record_id_l, record_id_r, rule, match_weight.

    Reads what `proposal.propose` left, before anything of it is applied.
    """
    _find_joining_links(con, links)
    _find_parting(con)
    before = con.execute("select model_version from identity.runs order by run_no desc limit 1").fetchall()
    is_other_model = bool(before) and before[0][0] != run.model_version
    con.execute(
        "create or replace temp table explained as select event, person_id, other_person_id, count_records, case "
        f"when {run.action == 'rollback'} then 'rollback' when coalesce(j.rule, p.rule) = 'steward' then 'decision' "
        f"when {is_other_model} and event not in ('created', 'retired') then 'model' "
        "when event = 'retired' or p.rule = 'record gone' then 'record gone' else 'data' end as cause, "
        "coalesce(j.record_id_l, p.record_id_l) as record_id_l, coalesce(j.record_id_r, p.record_id_r) as record_id_r, "
        "coalesce(j.rule, p.rule) as rule, j.match_weight "
        "from events left join joining as j on event in ('merged', 'moved') and j.old_id = person_id "
        "and j.new_id = other_person_id "
        "left join parting as p on event in ('split', 'moved') and p.old_id = person_id and p.new_id = other_person_id"
    )


def _find_joining_links(con: duckdb.DuckDBPyConnection, links: pa.Table | None) -> None:
    """Temporary table `joining`: the strongest link by which records of a person went over to another.

    Best is one that ends at a record of the other person; else one at a record that was nobody's and brought them
    together.
    """
    nothing = (
        "select null::varchar as old_id, null::varchar as new_id, null::varchar as record_id_l, "
        "null::varchar as record_id_r, null::varchar as rule, null::double as match_weight where false"
    )
    if (
        links is None
        or not con.execute("select count(*) from events where event in ('merged', 'moved')").fetchall()[0][0]
    ):
        con.execute(f"create or replace temp table joining as {nothing}")
        return
    con.register("links_in", links)
    ends = " union all ".join(
        f"select moving.old_id, moving.new_id, links_in.{other} as other_end, links_in.* from links_in "
        f"inner join moving on moving.record_id = links_in.{end}"
        for end, other in (("record_id_l", "record_id_r"), ("record_id_r", "record_id_l"))
    )
    con.execute(
        "create or replace temp table joining as select old_id, new_id, record_id_l, record_id_r, rule, match_weight "
        f"from ({ends}) as ends left join former on former.record_id = other_end "
        "where former.person_id is distinct from old_id "
        "qualify row_number() over (partition by old_id, new_id order by "
        f"(former.person_id is not distinct from new_id) desc, {_STRENGTH}, record_id_l, record_id_r) = 1"
    )
    con.unregister("links_in")


def _find_parting(con: duckdb.DuckDBPyConnection) -> None:
    """Temporary table `parting`: what parted records from their person, a steward or a record that is gone."""
    standing = decisions.standing_sql("identity.decisions")
    con.execute(
        f"create or replace temp table parting as with cannot as (from ({standing}) where decision = 'cannot'), "
        "parted as (select m.old_id, m.new_id, c.record_id_l, c.record_id_r, 'steward' as rule from moving as m "
        "inner join cannot as c on m.record_id in (c.record_id_l, c.record_id_r) "
        "inner join former as f on f.record_id = case when m.record_id = c.record_id_l then c.record_id_r "
        "else c.record_id_l end and f.person_id = m.old_id "
        "anti join moving as other on other.record_id = f.record_id and other.new_id = m.new_id), "
        "missing as (select old_id, new_id, former.record_id as record_id_l, null as record_id_r, "
        "'record gone' as rule from (select distinct old_id, new_id from moving) "
        "inner join former on former.person_id = old_id "
        "inner join leaving on leaving.record_id = former.record_id) "
        "from (from parted union all from missing) "
        "qualify row_number() over (partition by old_id, new_id order by rule desc, record_id_l, record_id_r) = 1"
    )


def write(con: duckdb.DuckDBPyConnection, run: Run, run_no: int) -> None:
    """Add the explained events to the ledger."""
    con.execute(
        "insert into identity.ledger select ?, event, person_id, other_person_id, count_records, cause, record_id_l, "
        "record_id_r, rule, match_weight, ?, ?, ?, ? from explained order by event, person_id, other_person_id",
        [run_no, run.run_id, run.model_version, run.as_of, run.recorded_at],
    )
