"""Second step of a sync: works off the outbox of a run and nothing else. Takes no writer lane."""

import logging

import duckdb

from orchestration.activation import outbox
from orchestration.activation.comparison import ON_HOLD, consented, key_of, on_hold
from orchestration.activation.delivery import Courier, Patience
from orchestration.activation.destination import Op, RowDestination, SnapshotDestination, find
from orchestration.activation.document import SyncDocument
from orchestration.activation.errors import SyncStoppedError
from orchestration.identity import holds
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
    watch = _Holds(settings)
    _hold_back(settings, sync, run_id)
    with outbox.opened(settings, sync.name, run_id) as con:
        con.execute("update outbox.header set status = 'sending', message = null")
        try:
            if con.execute("select 1 " + _PENDING, [0, 1]).fetchall():
                _deliver(con, settings, sync, patience or Patience(), watch)
        except SyncStoppedError as error:
            con.execute("update outbox.header set status = 'stopped', message = ?", [str(error)])
            raise
        con.execute("update outbox.header set status = 'sent', delivered_at = current_timestamp::timestamp")
        return dict(con.execute("select outcome, count(*) from outbox.results group by 1").fetchall())


def _hold_back(settings: Settings, sync: SyncDocument, run_id: str) -> None:
    """Hold what lost its legal ground, or its row, since the plan, and who is on hold; what leaves always goes."""
    with engine.reading(settings) as con:
        outbox.attach(con, outbox.path(settings, sync.name, run_id))
        con.execute(f"create or replace temp view on_hold as select * from {holds.held_people(con)} as h(person_id)")
        _hold_people(con, "select person_id from on_hold")
        allowed = (
            f"select {key_of(sync)} from warehouse.{sync.model} as m where {consented(sync)} and not {on_hold(sync)}"
        )
        con.execute(
            "insert into outbox.results (seq, outcome, message, answered_at) "
            "select seq, 'held', 'consent or row gone since the plan', current_timestamp::timestamp from outbox.ops "
            f"where op <> 'exit' and seq not in (select seq from outbox.results) and key not in ({allowed})"
        )
        if find(sync.destination).CAPABILITIES.delivery == "snapshot" and _has_snapshot(con):
            con.execute(f"delete from outbox.snapshot where _key not in ({allowed})")
        con.execute("detach outbox")


def _hold_people(con: duckdb.DuckDBPyConnection, people: str, values: list[list[str]] | None = None) -> None:
    """Hold the open rows of people, given as a query."""
    con.execute(
        f"insert into outbox.results (seq, outcome, message, answered_at) select seq, 'held', '{ON_HOLD}', "
        "current_timestamp::timestamp from outbox.ops where op <> 'exit' "
        f"and seq not in (select seq from outbox.results) and person_id in ({people})",
        values,
    )


class _Holds:
    """Keeps an outbox free of people who are put on hold while it is sent."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._seen = settings, holds.mark(settings)

    def heed(self, con: duckdb.DuckDBPyConnection) -> None:
        """Hold the rows of everybody who is on hold by now; opens state only when it was written since."""
        mark = holds.mark(self._settings)
        if mark == self._seen:
            return
        held = holds.everybody(self._settings)
        _hold_people(con, "select unnest(?::varchar[])", [held])
        self._seen = mark


def _has_snapshot(con: duckdb.DuckDBPyConnection) -> bool:
    return engine.table_exists(con, "main", "snapshot", "outbox")


def _deliver(
    con: duckdb.DuckDBPyConnection, settings: Settings, sync: SyncDocument, patience: Patience, watch: _Holds
) -> None:
    as_of = con.execute("select as_of from outbox.header").fetchall()[0][0]
    destination = find(sync.destination).connect(settings, sync, as_of)
    try:
        con.execute("update outbox.header set endpoint = ?", [destination.endpoint])
        if find(sync.destination).CAPABILITIES.delivery == "snapshot":
            _deliver_snapshot(con, destination)
        else:
            _deliver_rows(con, destination, sync, patience, watch)
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
    con: duckdb.DuckDBPyConnection, destination: RowDestination, sync: SyncDocument, patience: Patience, watch: _Holds
) -> None:
    batch_size = find(sync.destination).CAPABILITIES.batch_size
    courier = Courier(destination, patience)
    courier.prepare()
    total = con.execute("select count(*) from outbox.ops").fetchall()[0][0]
    last, batches = 0, 0
    while rows := _next_batch(con, watch, last, batch_size):
        last, batches = rows[-1][0], batches + 1
        # One request is one kind of work: new and changed rows, or rows that leave.
        for leaving in (False, True):
            ops = [Op(*row) for row in rows if (row[2] == "exit") == leaving]
            for results, tries in courier.deliver(ops) if ops else ():
                outbox.append(con, results, tries)
        if batches % _SAY_EVERY == 0:
            _log.info("%s: %d of %d rows sent", sync.name, last, total)


def _next_batch(con: duckdb.DuckDBPyConnection, watch: _Holds, last: int, batch_size: int) -> list[tuple]:
    """The next open rows, of nobody who is on hold at this moment."""
    watch.heed(con)
    return con.execute("select o.seq, o.key, o.op, o.dest_id, o.changes " + _PENDING, [last, batch_size]).fetchall()
