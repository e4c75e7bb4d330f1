"""How many requests a second an endpoint may be asked: one bucket for every sync of a home, in whatever process.

What is asked is in `delivery.py`. Waits that the destination asks for are in `patience.py`.
"""

import fcntl
import hashlib
import os
import struct
import threading
import time
from pathlib import Path

from orchestration.activation import outbox
from orchestration.activation.destination import RowDestination
from orchestration.settings import Settings

_STATE = struct.Struct("<dd")


class Bucket:
    """Lets through `rate` requests a second, `burst` at once; kept in `file`, which every process locks in turn."""

    def __init__(self, rate: float, burst: int, file: Path) -> None:
        self._rate, self._burst, self._file = rate, burst, file
        self._lock = threading.Lock()
        file.parent.mkdir(parents=True, exist_ok=True)

    def take(self) -> None:
        """Wait until a request may be made."""
        with self._lock:
            shared = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(shared, fcntl.LOCK_EX)
                wait = self._taken(shared)
            finally:
                os.close(shared)
        time.sleep(wait)

    def _taken(self, shared: int) -> float:
        """Take a token, of those to come if there is none; returns how long that is from now."""
        kept, now = os.pread(shared, _STATE.size, 0), time.monotonic()
        tokens, at = _STATE.unpack(kept) if len(kept) == _STATE.size else (float(self._burst), now)
        # The clock is the same in every process, and begins anew when the machine does.
        passed = max(0.0, now - at)
        tokens = min(float(self._burst), tokens + passed * self._rate) - 1
        os.pwrite(shared, _STATE.pack(tokens, now), 0)
        return max(0.0, -tokens / self._rate)


def bucket_of(settings: Settings, destination: RowDestination) -> Bucket:
    """The bucket of the destination's endpoint."""
    name = hashlib.sha256(destination.endpoint.encode()).hexdigest()[:16]
    return Bucket(destination.rate, destination.burst, outbox.folder(settings) / f"{name}.rate")
