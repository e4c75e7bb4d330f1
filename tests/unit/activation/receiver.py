"""A receiver of webhooks as a careful user would write one: checks the signature, takes each id once, keeps rows."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


class Receiver(ThreadingHTTPServer):
    """Rows by key, requests as they came, and what it does wrong: `busy` and `lost` count answers, `says` a status."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/hooks"
        self.secret = SECRET
        self.rows: dict[str, dict] = {}
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.taken: set[str] = set()
        self.busy = self.lost = 0
        self.retry_after: str | None = None
        self.says: Callable[[dict], int | None] = lambda event: None
        self._lock = threading.Lock()

    def take(self, headers: dict[str, str], body: bytes) -> int | None:
        """The status of the answer; None: the connection breaks after the work is done."""
        with self._lock:
            self.requests.append((headers, body))
            if not self._is_signed(headers, body):
                return 401
            if self.busy:
                self.busy -= 1
                return 429
            event = json.loads(body)
            if status := self.says(event):
                return status
            if headers["webhook-id"] not in self.taken:
                self.taken.add(headers["webhook-id"])
                self._keep(event)
            if self.lost:
                self.lost -= 1
                return None
            return 200

    def _is_signed(self, headers: dict[str, str], body: bytes) -> bool:
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        wanted = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        return f"v1,{wanted}" in headers["webhook-signature"].split()

    def _keep(self, event: dict) -> None:
        for row in event["data"]:
            if event["type"].endswith(".removed"):
                self.rows.pop(row["key"], None)
            else:
                self.rows.setdefault(row["key"], {}).update(row["fields"])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.take({name.lower(): value for name, value in self.headers.items()}, body)
        if status is None:
            self.close_connection = True
            return
        self.send_response(status)
        if self.server.retry_after is not None:
            self.send_header("Retry-After", self.server.retry_after)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args) -> None:
        """Says nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that runs."""
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
