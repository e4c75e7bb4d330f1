"""Runs the sync of the crash tests in a process of its own and dies where it is told: `crash_child.py RUN POINT`."""

import os
import signal
import sys
from dataclasses import replace

from orchestration.activation import outbox, record, run, send
from orchestration.activation.destinations import hubspot
from orchestration.settings import Settings
from tests.unit.activation.payloads import AS_OF, PATIENCE, document


def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    run_id, point = sys.argv[1:]
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
        write = record._write

        def write_and_die(con, result):
            write(con, result)
            die()

        record._write = write_and_die
    run.run_sync(Settings(), document(), AS_OF, run_id, patience=PATIENCE)
