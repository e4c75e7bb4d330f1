"""Second step of a sync: works off the outbox of a run and nothing else. Takes no writer lane."""

import duckdb

from orchestration.activation import handover, outbox
from orchestration.activation.comparison import ON_HOLD, consented, key_of, on_hold
from orchestration.activation.destination import find
from orchestration.activation.document import SyncDocument
from orchestration.activation.errors import SyncStoppedError
from orchestration.activation.patience import Patience
from orchestration.identity import holds
from orchestration.settings import Settings
from orchestration.warehouse import engine


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
            if handover.first_open(con) is not None:
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


def _hold_people(con: duckdb.DuckDBPyConnection, people: str, values: list[list[str]] | None = None) -> list[int]:
    """Hold the open rows of people, given as a query; returns their seq."""
    held = con.execute(
        f"insert into outbox.results (seq, outcome, message, answered_at) select seq, 'held', '{ON_HOLD}', "
        "current_timestamp::timestamp from outbox.ops where op <> 'exit' "
        f"and seq not in (select seq from outbox.results) and person_id in ({people}) returning seq",
        values,
    )
    return [row[0] for row in held.fetchall()]


class _Holds:
    """Keeps an outbox free of people who are put on hold while it is sent."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._seen = settings, holds.mark(settings)

    def heed(self, con: duckdb.DuckDBPyConnection) -> list[int]:
        """Hold the rows of everybody who is on hold by now; opens state only when it was written since."""
        mark = holds.mark(self._settings)
        if mark == self._seen:
            return []
        self._seen = mark
        return _hold_people(con, "select unnest(?::varchar[])", [holds.everybody(self._settings)])


def _has_snapshot(con: duckdb.DuckDBPyConnection) -> bool:
    return engine.table_exists(con, "main", "snapshot", "outbox")


def _deliver(
    con: duckdb.DuckDBPyConnection, settings: Settings, sync: SyncDocument, patience: Patience, watch: _Holds
) -> None:
    module = find(sync.destination)
    destination = module.connect(settings, sync, outbox.run_of(con))
    try:
        con.execute("update outbox.header set endpoint = ?", [destination.endpoint])
        hand_over = handover.WAYS[module.CAPABILITIES.delivery]
        hand_over(con, destination, handover.Waiting(settings, patience), lambda: watch.heed(con))
    finally:
        destination.close()
