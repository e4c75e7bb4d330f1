"""Dagster's event log in SQLite, with its connections kept open. What the events are does not belong here.

Dagster's own class opens and disposes of a database engine two or three times an event, and closing the last connection
copies SQLite's whole write-ahead log: half the time of a run without news.
"""

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from dagster import StringSource
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event

# The index and the newest few runs.
_OPEN_DATABASES = 4


class EventLog(SqliteEventLogStorage):
    """SqliteEventLogStorage, of the same files, that keeps the newest databases open.

    In `dagster.yaml` it takes `home`, Dagster's home folder.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {"home": StringSource}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        return cls(os.path.join(config_value["home"], "history", "runs"), inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def store_event(self, event: EventLogEntry) -> None:
        super().store_event(event)
        # Who watches a run in the UI waits for this file to change; what is written goes to the log beside it.
        os.utime(self.path_for_shard(event.run_id))

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            timeout = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
            engine = create_engine(self.conn_string_for_shard(shard), connect_args=timeout)
            event.listen(engine, "connect", _relaxed)
            self._engines[shard] = engine
            while len(self._engines) > _OPEN_DATABASES:
                self._engines.popitem(last=False)[1].dispose()
        self._engines.move_to_end(shard)
        return self._engines[shard]

    def wipe(self) -> None:
        # The files are unlinked: what is open would go on writing to nowhere.
        self._close()
        super().wipe()

    def dispose(self) -> None:
        self._close()
        super().dispose()

    def _close(self) -> None:
        while self._engines:
            self._engines.popitem()[1].dispose()


def _relaxed(connection: Any, _: Any) -> None:
    # A power cut may take the last events, never the file; everything that must last is in state.duckdb.
    connection.execute("pragma synchronous = normal")
