"""Runs a sync of the crash tests in a process of its own and dies where told: `crash_child.py RUN POINT DOCUMENT`."""

import os
import signal
import sys
from dataclasses import replace

from orchestration.activation import outbox, record, run, send
from orchestration.activation.destination import find
from orchestration.activation.destinations import hubspot
from orchestration.activation.document import SyncDocument
from orchestration.settings import Settings
from tests.unit.activation.payloads import AS_OF, PATIENCE


def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)


def die_after(holder, name):
    """Let a function do its work once, and die before anybody hears of it."""
    work = getattr(holder, name)

    def working(*args, **kwargs):
        work(*args, **kwargs)
        die()

    setattr(holder, name, working)


def die_delivering(module):
    """Die when the destination took the first rows and nobody knows yet."""
    connect = module.connect
    way = {"rows": "send", "bulk": "deliver", "snapshot": "write"}[module.CAPABILITIES.delivery]

    def connecting(*args):
        destination = connect(*args)
        die_after(destination, way)
        return destination

    module.connect = connecting


if __name__ == "__main__":
    run_id, point, text = sys.argv[1:]
    sync = SyncDocument.model_validate_json(text)
    hubspot.CAPABILITIES = replace(hubspot.CAPABILITIES, batch_size=20)
    places = {
        "planned": (run, "send"),
        "sent": (run, "record"),
        "recorded": (outbox, "remove"),
        "held": (send, "_deliver"),
    }
    if point in places:
        setattr(*places[point], die)
    if point == "recording":
        die_after(record, "_write")
    if point == "delivering":
        die_delivering(find(sync.destination))
    run.run_sync(Settings(), sync, AS_OF, run_id, patience=PATIENCE)
