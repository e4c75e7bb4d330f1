"""What the fakes of vendors share: a server with a state, and its faults. What each answers is in a file of its own."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

T = TypeVar("T", bound="FakeApi")


@dataclass(frozen=True)
class Request:
    """One request; `body` is its JSON if it is some, `form` its form."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.content.decode(), keep_blank_values=True))


@dataclass(frozen=True)
class Answer:
    """What goes back: JSON, or text as it is."""

    status: int
    content: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def raw(self) -> bytes:
        if self.content is None:
            return b""
        return self.content.encode() if isinstance(self.content, str) else json.dumps(self.content).encode()


class FakeApi(ThreadingHTTPServer):
    """`busy` and `lost` count requests that write: the next are refused for now, or done and never answered."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.busy = self.lost = self.writes = 0
        self.requests: list[Request] = []
        self._lock = threading.Lock()

    def take(self, request: Request) -> Answer | None:
        """The answer; None: the connection breaks after the work is done."""
        with self._lock:
            self.requests.append(request)
            is_write = self.is_write(request)
            if is_write and self.busy:
                self.busy -= 1
                return self.too_busy()
            answer = self.answer(request)
            self.writes += is_write and answer.status < 300
            if is_write and self.lost:
                self.lost -= 1
                return None
            return answer

    def is_write(self, request: Request) -> bool:
        """Whether rows are changed by it."""
        raise NotImplementedError

    def answer(self, request: Request) -> Answer:
        """What the vendor would say."""
        raise NotImplementedError

    def too_busy(self) -> Answer:
        """How the vendor says: later."""
        return Answer(429, {}, {"Retry-After": "0"})

    def asked(self, method: str, ending: str) -> list[Request]:
        """Requests of a method whose path ends so."""
        return [one for one in self.requests if one.method == method and one.path.endswith(ending)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One write an answer and no delay: else every small answer waits 40 ms for an acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: FakeApi

    def _respond(self) -> None:
        parts = urlsplit(self.path)
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query))
        answer = self.server.take(Request(self.command, unquote(parts.path), query, headers, content))
        if answer is None:
            self.close_connection = True
            return
        raw = answer.raw
        self.send_response(answer.status)
        kind = "text/csv" if isinstance(answer.content, str) else "application/json"
        for name, value in ({"Content-Type": kind} | answer.headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _respond

    def log_message(self, *args) -> None:
        """Says nothing."""


@contextmanager
def running(fake: T) -> Iterator[T]:
    """A fake that runs."""
    thread = threading.Thread(target=fake.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.shutdown()
        fake.server_close()
