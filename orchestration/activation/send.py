"""Second step of a sync: works off the outbox of a run and nothing else. Takes no writer lane."""

import logging

import duckdb

from orchestration.activation import outbox
from orchestration.activation.comparison import consented, key_of
from orchestration.activation.delivery import Courier, Patience
from orchestration.activation.destination import Op, RowDestination, SnapshotDestination, find
from orchestration.activation.document import SyncDocument
from orchestration.activation.errors import SyncStoppedError
from orchestration.settings import Settings
from orchestration.warehouse import engine

_log = logging.getLogger(__name__)
_SAY_EVERY = 50
_PENDING = (
    "from outbox.ops as o where o.seq > ? and o.seq not in (select seq from outbox.results) order by o.seq limit ?"
)


def send(settings: Settings, sync: SyncDocument, run_id: str, patience: Patience | None = None) -> dict[str, int]:
    """Deliver what the run's outbox still holds; returns rows by outcome (acknowledged, rejected, held).

    Each answer is on disk before the next request, so a run that was cut off goes on where it was. Raises a
    SyncStoppedError for what is no row's fault; it is noted in the outbox too.
    """
    _hold_back(settings, sync, run_id)
    with outbox.opened(settings, sync.name, run_id) as con:
        con.execute("update outbox.header set status = 'sending', message = null")
        try:
            if con.execute("select 1 " + _PENDING, [0, 1]).fetchall():
                _deliver(con, settings, sync, patience or Patience())
        except SyncStoppedError as error:
            con.execute("update outbox.header set status = 'stopped', message = ?", [str(error)])
            raise
        con.execute("update outbox.header set status = 'sent', delivered_at = current_timestamp::timestamp")
        return dict(con.execute("select outcome, count(*) from outbox.results group by 1").fetchall())


def _hold_back(settings: Settings, sync: SyncDocument, run_id: str) -> None:
    """Hold what lost its legal ground, or its row, since the plan; what leaves the destination always goes."""
    with engine.reading(settings) as con:
        outbox.attach(con, outbox.path(settings, sync.name, run_id))
        allowed = f"select {key_of(sync)} from warehouse.{sync.model} as m where {consented(sync)}"
        con.execute(
            "insert into outbox.results (seq, outcome, message, answered_at) "
            "select seq, 'held', 'consent or row gone since the plan', current_timestamp::timestamp from outbox.ops "
            f"where op <> 'exit' and seq not in (select seq from outbox.results) and key not in ({allowed})"
        )
        if find(sync.destination).CAPABILITIES.delivery == "snapshot" and _has_snapshot(con):
            con.execute(f"delete from outbox.snapshot where _key not in ({allowed})")
        con.execute("detach outbox")


def _has_snapshot(con: duckdb.DuckDBPyConnection) -> bool:
    return engine.table_exists(con, "main", "snapshot", "outbox")


def _deliver(con: duckdb.DuckDBPyConnection, settings: Settings, sync: SyncDocument, patience: Patience) -> None:
    as_of = con.execute("select as_of from outbox.header").fetchall()[0][0]
    destination = find(sync.destination).connect(settings, sync, as_of)
    try:
        con.execute("update outbox.header set endpoint = ?", [destination.endpoint])
        if find(sync.destination).CAPABILITIES.delivery == "snapshot":
            _deliver_snapshot(con, destination)
        else:
            _deliver_rows(con, destination, sync, patience)
    finally:
        destination.close()


def _deliver_snapshot(con: duckdb.DuckDBPyConnection, destination: SnapshotDestination) -> None:
    for name, where in destination.write(con, "outbox.snapshot").items():
        _log.info("%s: %s", name, where)
    con.execute(
        "insert into outbox.results (seq, outcome, attempt, answered_at) select seq, 'acknowledged', 1, "
        "current_timestamp::timestamp from outbox.ops where seq not in (select seq from outbox.results)"
    )


def _deliver_rows(
    con: duckdb.DuckDBPyConnection, destination: RowDestination, sync: SyncDocument, patience: Patience
) -> None:
    batch_size = find(sync.destination).CAPABILITIES.batch_size
    courier = Courier(destination, patience)
    courier.prepare()
    total = con.execute("select count(*) from outbox.ops").fetchall()[0][0]
    last, batches = 0, 0
    while rows := con.execute(
        "select o.seq, o.key, o.op, o.dest_id, o.changes " + _PENDING, [last, batch_size]
    ).fetchall():
        last, batches = rows[-1][0], batches + 1
        # One request is one kind of work: new and changed rows, or rows that leave.
        for leaving in (False, True):
            ops = [Op(*row) for row in rows if (row[2] == "exit") == leaving]
            for results, tries in courier.deliver(ops) if ops else ():
                outbox.append(con, results, tries)
        if batches % _SAY_EVERY == 0:
            _log.info("%s: %d of %d rows sent", sync.name, last, total)
