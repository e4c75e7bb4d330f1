"""How a plan is written down: the rows to send, what is not sent and why, and the header, into the draft outbox.

What is to be sent is decided in `plan.py`.
"""

import duckdb

from orchestration.activation.comparison import field_kinds, key_of
from orchestration.activation.destination import find
from orchestration.activation.document import SyncDocument
from orchestration.activation.result import PlanSummary
from orchestration.settings import Settings

SENT = "decision in ('insert', 'update', 'exit')"


def fill(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    sync: SyncDocument,
    columns: dict[str, str],
    summary: PlanSummary,
) -> None:
    """Write what temporary table `judged` holds into catalog `outbox`. `columns`: those of the model, with types."""
    _fields(con, sync, columns)
    # Who leaves goes last: a batch is one kind of work. Numbered after sorting: sorting twice takes 2 s a million.
    con.execute(
        "insert into outbox.ops select row_number() over (), key, person_id, decision, dest_id, changes, payload, "
        f"before, hash, reason from (select * from judged where {SENT} order by decision = 'exit', key)"
    )
    con.execute(
        "insert into outbox.decisions select key, person_id, decision, reason, hash from judged "
        "where decision in ('held', 'rejected') "
        "union all select key, person_id, 'moved', 'another person', null from judged where decision = 'unchanged' "
        "and is_moved "
        "union all select key, null, 'gone', 'no longer to be sent', null from all_refused where key not in "
        f"(select key from judged where {SENT} or decision in ('held', 'rejected', 'later'))"
    )
    if find(sync.destination).CAPABILITIES.delivery == "snapshot" and summary.to_send:
        fields = ", ".join(f"m.{column} as {rule.to}" for column, rule in sync.fields.items())
        con.execute(
            f"create table outbox.snapshot as select {key_of(sync)} as _key, {fields} from warehouse.{sync.model} as m "
            f"where {key_of(sync)} in (select key from judged where decision in ('insert', 'update', 'unchanged')) "
            "order by 1"
        )
    _header(con, settings, sync, summary)


def _fields(con: duckdb.DuckDBPyConnection, sync: SyncDocument, columns: dict[str, str]) -> None:
    kinds = field_kinds(sync, columns)
    by_name = {sync.match_by: (columns[sync.key], None)}
    by_name |= {rule.to: (kinds[column], rule.write) for column, rule in sync.fields.items()}
    rows = [(name, *of_name) for name, of_name in by_name.items()]
    con.execute(
        "insert into outbox.fields select unnest(?::varchar[]), unnest(?::varchar[]), unnest(?::varchar[])",
        [list(values) for values in zip(*rows, strict=True)],
    )


def _header(con: duckdb.DuckDBPyConnection, settings: Settings, sync: SyncDocument, summary: PlanSummary) -> None:
    con.execute(
        "insert into outbox.header values (?, ?, ?, ?, ?, ?, current_timestamp::timestamp, 'planned', "
        "null, null, null, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            sync.name, summary.run_id, sync.destination, sync.object, settings.env, summary.as_of,
            summary.model, summary.insert, summary.update, summary.exit, summary.unchanged, summary.held,
            summary.rejected_before, summary.acknowledged_before,
        ],
    )  # fmt: skip
