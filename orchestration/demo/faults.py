"""What the local server does wrong on purpose, so that clients can be tried against it; and how fast it may be asked.

The answers of an API that works do not belong here.
"""

import threading
import time
from dataclasses import dataclass, field

from orchestration.demo.answers import Answer


@dataclass
class Faults:
    """Counts say how many requests are hit, one after another; `path` limits them to paths that contain it."""

    path: str = ""
    server_errors: int = 0  # answers 500
    throttled: int = 0  # answers 429
    retry_after: int = 1  # seconds, told with every 429
    cut_bodies: int = 0  # breaks the connection in the middle of the body
    lost_answers: int = 0  # does the work, then breaks the connection before a byte is answered
    html_bodies: int = 0  # answers 200 with a page for humans
    strange_bodies: int = 0  # answers 200 with JSON that is no answer to the question
    frozen_page: bool = False  # answers every request of a path with the first answer it gave there
    requests_per_second: float | None = None  # 429 above it; bursts of one second are allowed
    _frozen: dict = field(default_factory=dict, repr=False)
    _tokens: float = field(default=0.0, repr=False)
    _refilled: float | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self, kind: str, path: str) -> bool:
        """Whether this request is hit by the fault `kind`; counts it down."""
        if self.path not in path:
            return False
        with self._lock:
            left = getattr(self, kind)
            if left > 0:
                setattr(self, kind, left - 1)
            return left > 0

    def over_rate(self) -> bool:
        """Whether the token bucket is empty; takes one token if it is not."""
        if self.requests_per_second is None:
            return False
        with self._lock:
            now, burst = time.monotonic(), max(1.0, self.requests_per_second)
            waited = burst if self._refilled is None else (now - self._refilled) * self.requests_per_second
            self._tokens, self._refilled = min(burst, self._tokens + waited), now
            if self._tokens < 1:
                return True
            self._tokens -= 1
            return False

    def frozen(self, path: str, answer: Answer) -> Answer:
        """The first answer given on this path while the page is frozen, else the answer itself."""
        if not self.frozen_page or self.path not in path:
            return answer
        with self._lock:
            return self._frozen.setdefault(path, answer)
