"""The ways an outbox is handed to a destination: in batches of rows, all rows at once, or the whole audience.

Each answers for every row of the outbox that is open when it begins; who may be sent at all is decided in `send.py`.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

import duckdb

from orchestration.activation import filling, outbox
from orchestration.activation.bucket import bucket_of
from orchestration.activation.delivery import Courier
from orchestration.activation.destination import BulkDestination, Op, RowDestination, SnapshotDestination
from orchestration.activation.errors import TransientError, UnavailableError
from orchestration.activation.patience import Patience
from orchestration.settings import Settings

_log = logging.getLogger(__name__)
_SAY_EVERY = 20_000
# Requests of one worker between two looks at who is on hold.
_REQUESTS_A_LOOK = 8
# Of a destination that takes all rows at once.
_KEYS_A_READ = 10_000
_OPEN = "from outbox.ops as o where not exists (select 1 from outbox.results as r where r.seq = o.seq)"
# Holds the rows of everybody who is on hold by now and returns their seq.
Heed = Callable[[], list[int]]
T = TypeVar("T")


@dataclass(frozen=True)
class Waiting:
    """How patient a run is, and the home whose syncs share the rate of a destination."""

    settings: Settings
    patience: Patience


def first_open(con: duckdb.DuckDBPyConnection) -> int | None:
    """The first row that has no answer yet."""
    return con.execute(f"select min(o.seq) {_OPEN}").fetchall()[0][0]


def rows(con: duckdb.DuckDBPyConnection, destination: RowDestination, wait: Waiting, heed: Heed) -> None:
    """In the destination's batches, each answer on disk before the next look at the outbox."""
    courier = Courier(destination, wait.patience, bucket_of(wait.settings, destination))
    courier.prepare()
    total = con.execute("select count(*) from outbox.ops").fetchall()[0][0]
    size = destination.batch_size
    window = size * (destination.parallel * _REQUESTS_A_LOOK if destination.parallel > 1 else 1)
    # A batch holds the same rows when the run is resumed: windows and batches begin at multiples of their size.
    start = ((first_open(con) or 1) - 1) // window * window
    for low in range(start, total, window):
        heed()
        filling.spare(con, courier.read, low, low + window, size)
        batches = _batches(con, low, low + window, size)
        for outcomes in courier.together(batches) if batches else ():
            outbox.append(con, outcomes)
        if low // _SAY_EVERY < (low + window) // _SAY_EVERY:
            _log.info("%s: %d of %d rows sent", destination.endpoint, min(low + window, total), total)


def _batches(con: duckdb.DuckDBPyConnection, low: int, high: int, size: int) -> list[list[Op]]:
    """The open rows after `low`; one batch is one kind of work: new and changed rows, or rows that leave."""
    found = con.execute(
        f"select o.seq, o.key, o.op, o.dest_id, {filling.CHANGES}, o.before from outbox.ops as o "
        f"left join {filling.kept(is_window=True)} as k on k.seq = o.seq where o.seq > $low and o.seq <= $high "
        "and o.seq not in (select seq from outbox.results where seq > $low and seq <= $high) order by o.seq",
        {"low": low, "high": high},
    ).fetchall()
    ops = [Op(*row) for row in found]
    return [list(batch) for _, batch in groupby(ops, lambda op: ((op.seq - 1) // size, op.op == "exit"))]


def bulk(con: duckdb.DuckDBPyConnection, destination: BulkDestination, wait: Waiting, heed: Heed) -> None:
    """All at once; tried again whole when what failed may pass."""

    def ask(request: Callable[[], T]) -> T:
        return wait.patience.ask(destination.endpoint, request)

    try:
        ask(destination.prepare)
        last = con.execute("select count(*) from outbox.ops").fetchall()[0][0]
        filling.spare(con, lambda *rows: ask(lambda: destination.read(*rows)), 0, last, _KEYS_A_READ)
        _open_view(con)
        refused = ask(lambda: destination.deliver(con, "open_ops", heed))
    except TransientError as error:
        raise UnavailableError(
            f"{destination.endpoint} keeps failing ({error}): nothing was written; run the sync again when it answers"
        ) from error
    con.execute(
        "insert into outbox.results select o.seq, case when r.seq is null then 'acknowledged' else 'rejected' end, 1, "
        "null, case when r.seq is not null then 'permanent' end, r.code, "
        f"left(r.message, {outbox.LONGEST_MESSAGE}), null, current_timestamp::timestamp "
        f"from open_ops as o left join {refused} as r on r.seq = o.seq"
    )


def _open_view(con: duckdb.DuckDBPyConnection) -> None:
    """View `open_ops`: what is to be delivered."""
    con.execute(
        f"create or replace temp view open_ops as select o.seq, o.key, o.op, {filling.CHANGES} as changes, o.payload, "
        f"o.before from outbox.ops as o left join {filling.kept(is_window=False)} as k on k.seq = o.seq "
        "where not exists (select 1 from outbox.results as r where r.seq = o.seq)"
    )


def snapshot(con: duckdb.DuckDBPyConnection, destination: SnapshotDestination, wait: Waiting, heed: Heed) -> None:
    """The whole audience as it is to be; tried again whole when what failed may pass."""
    try:
        written = wait.patience.ask(destination.endpoint, lambda: destination.write(con, "outbox.snapshot"))
    except TransientError as error:
        raise UnavailableError(f"{destination.endpoint} keeps failing ({error}): run the sync again later") from error
    for name, where in written.items():
        _log.info("%s: %s", name, where)
    con.execute(
        "insert into outbox.results (seq, outcome, attempt, answered_at) "
        f"select o.seq, 'acknowledged', 1, current_timestamp::timestamp {_OPEN}"
    )


WAYS = {"rows": rows, "bulk": bulk, "snapshot": snapshot}
