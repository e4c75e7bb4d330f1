"""The CRM in memory: its objects, owners and clock, and the file that keeps what clients wrote.

Endpoints and their answers do not belong here.
"""

import json
import os
import threading
from datetime import date
from pathlib import Path

from orchestration.demo.hubspot_objects import CUSTOM_PREFIX, OBJECT_TYPES, Collection, Record
from orchestration.demo.records import nested, read


class Crm:
    """The whole CRM; whoever touches it holds `lock`."""

    def __init__(self, api_dir: Path, until: date | None = None, state_file: Path | None = None) -> None:
        self.collections = {name: Collection(name, api_dir, until) for name in OBJECT_TYPES}
        self.owners = sorted((nested(flat) for flat in read(api_dir, "hubspot", "owners", until)), key=_owner_id)
        newest = (record.updated_at for found in self.collections.values() for record in found.records.values())
        self.clock = max(newest, default=0)
        self._state_file = state_file
        self.lock = threading.Lock()
        if state_file and state_file.exists():
            self._restore(json.loads(state_file.read_text()))
        self._saved = self._state()

    def tick(self) -> int:
        """The time of the next write: later than all that was ever served, in the world of the data."""
        self.clock += 1
        return self.clock

    def save(self) -> None:
        """Writes what came through the API since the last time to the state file, if there is one."""
        with self.lock:
            state = self._state()
        if not self._state_file or state == self._saved:
            return
        self._state_file.parent.mkdir(parents=True, exist_ok=True)
        scratch = self._state_file.with_name(self._state_file.name + ".new")
        scratch.write_text(json.dumps(state))
        os.replace(scratch, self._state_file)
        self._saved = state

    def _state(self) -> dict:
        return {
            "clock": self.clock,
            "next_ids": {name: found.next_id for name, found in self.collections.items()},
            "properties": {name: _custom(found) for name, found in self.collections.items()},
            "objects": {name: _written(found) for name, found in self.collections.items()},
        }

    def _restore(self, state: dict) -> None:
        self.clock = max(self.clock, state["clock"])
        for name, found in self.collections.items():
            found.next_id = max(found.next_id, state["next_ids"][name])
            found.definitions |= state["properties"][name]
            for key, saved in state["objects"][name].items():
                record = found.records.get(int(key))
                if record is None:
                    record = Record(int(key), {}, saved["created_at"], saved["updated_at"])
                    found.add(record)
                found.changed(record, saved["properties"])
                record.updated_at = max(record.updated_at, saved["updated_at"])
                if saved["archived"]:
                    found.archive(record, record.updated_at)


def _owner_id(owner: dict) -> tuple[int, str]:
    return (len(owner["id"]), owner["id"])


def _custom(collection: Collection) -> dict[str, dict]:
    return {name: found for name, found in collection.definitions.items() if name.startswith(CUSTOM_PREFIX)}


def _written(collection: Collection) -> dict[str, dict]:
    return {
        str(record.id): {
            "properties": {name: record.properties.get(name, "") for name in sorted(record.written)},
            "created_at": record.created_at,
            "updated_at": record.updated_at,
            "archived": record.archived,
        }
        for record in collection.records.values()
        if record.is_touched
    }
