"""The small local server that speaks as a HubSpot CRM and a Mastodon community, on 127.0.0.1 only.

What the APIs answer is in hubspot_api and mastodon_api; what goes wrong on purpose in faults.
"""

import argparse
import hmac
import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from orchestration.demo import hubspot_api
from orchestration.demo.answers import Answer
from orchestration.demo.faults import Faults
from orchestration.demo.hubspot_api import error
from orchestration.demo.hubspot_crm import Crm
from orchestration.demo.mastodon_api import Mastodon

DEMO_TOKEN = "demo-token"
HTML_PAGE = b"<html><body>Down for maintenance</body></html>"


@dataclass
class Counters:
    """What the server was asked so far: requests by path, and objects that writes changed."""

    requests: int = 0
    writes: int = 0
    paths: dict[str, int] = field(default_factory=dict)
    bodies: list[tuple[str, dict]] = field(default_factory=list)


class Address(str):
    """The base URL of a running server; also carries its counters, faults and CRM for tests."""

    counters: Counters
    faults: Faults
    crm: Crm


class Server(ThreadingHTTPServer):
    """Holds both APIs, the token, the faults and the counters."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, token: str, faults: Faults, crm: Crm, community: Mastodon) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.token, self.faults, self.crm, self.community = token, faults, crm, community
        self.counters, self.lock = Counters(), threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is no error of ours."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def count(self, path: str, body: object, writes: int) -> None:
        with self.lock:
            self.counters.requests += 1
            self.counters.writes += writes
            self.counters.paths[path] = self.counters.paths.get(path, 0) + 1
            if writes:
                self.counters.bodies.append((path, body))

    def answer(self, method: str, target: str, authorization: str, body: object) -> Answer:
        """The answer to one request, faults included."""
        parts = urlsplit(target)
        is_crm = parts.path.startswith("/crm/")
        if not hmac.compare_digest(authorization.encode(), f"Bearer {self.token}".encode()):
            return _unauthorized(is_crm)
        if self.faults.take("throttled", parts.path) or self.faults.over_rate():
            return _throttled(is_crm, self.faults.retry_after)
        if self.faults.take("server_errors", parts.path):
            return error(500, "INTERNAL_ERROR", "internal error") if is_crm else Answer.json(500, {"error": "oops"})
        if self.faults.take("html_bodies", parts.path):
            return Answer(200, HTML_PAGE, content_type="text/html")
        if self.faults.take("strange_bodies", parts.path):
            return Answer.json(200, {"maintenance": True})
        query = parse_qs(parts.query)
        answer = hubspot_api.answer(self.crm, method, parts.path, query, body)
        answer = answer or self.community.answer(method, parts.path, query, self.url) or Answer.json(404, {})
        return self.faults.frozen(parts.path, answer)


def _unauthorized(is_crm: bool) -> Answer:
    if is_crm:
        return error(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
    return Answer.json(401, {"error": "The access token is invalid"})


def _throttled(is_crm: bool, seconds: int) -> Answer:
    if is_crm:
        answer = error(429, "RATE_LIMITS", "You have reached your ten_secondly_rolling limit.")
        return Answer(429, answer.body, headers={"Retry-After": str(seconds)})
    # Mastodon does not send Retry-After: it says when the window ends.
    reset = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    return Answer.json(429, {"error": "Too many requests"}, X_RateLimit_Remaining="0", X_RateLimit_Reset=reset)


class Handler(BaseHTTPRequestHandler):
    """One connection; kept open between requests."""

    server: Server
    protocol_version = "HTTP/1.1"
    # One buffered write an answer and no delay: else every small answer waits 40 ms for an acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def _respond(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = None
        answer = self.server.answer(self.command, self.path, self.headers.get("Authorization", ""), body)
        path = urlsplit(self.path).path
        self.server.count(path, body, answer.writes)
        if self.server.faults.take("lost_answers", path):
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        cut = self.server.faults.take("cut_bodies", path)
        self.wfile.write(answer.body[: len(answer.body) // 2] if cut else answer.body)
        self.wfile.flush()
        self.close_connection = self.close_connection or cut

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _respond

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the counters say what was asked."""


@contextmanager
def serve(
    api_dir: Path,
    *,
    port: int = 0,
    token: str = DEMO_TOKEN,
    until: date | None = None,
    state_file: Path | None = None,
    faults: Faults | None = None,
) -> Iterator[Address]:
    """Runs the server in a thread and yields its base URL; `port` 0 takes a free one.

    `until` hides what happened after that business day. What clients wrote is saved to `state_file` when the block
    ends, and is there again when a server starts with the same file. Raises FileNotFoundError if `api_dir` holds
    neither system.
    """
    api_dir = Path(api_dir)
    if not any((api_dir / system).is_dir() for system in ("hubspot", "mastodon")):
        raise FileNotFoundError(f"{api_dir} holds neither hubspot/ nor mastodon/: generate the data first")
    crm = Crm(api_dir, until, Path(state_file) if state_file else None)
    server = Server(port, token, faults or Faults(), crm, Mastodon(api_dir, until))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    address = Address(server.url)
    address.counters, address.faults, address.crm = server.counters, server.faults, crm
    try:
        yield address
    finally:
        server.shutdown()
        server.server_close()
        crm.save()


def main() -> None:
    """Serves until stopped; says which variables point the sources here."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.demo.server", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with hubspot/ and mastodon/ Parquet files")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--token", default=DEMO_TOKEN)
    parser.add_argument("--until", type=date.fromisoformat, help="last business day to show, e.g. 2017-12-30")
    parser.add_argument("--state", type=Path, help="file that keeps what clients write")
    given = parser.parse_args()
    # A stopped server saves what was written, however it is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with serve(given.data, port=given.port, token=given.token, until=given.until, state_file=given.state) as url:
        for system in ("HUBSPOT", "MASTODON"):
            sys.stdout.write(f"export {system}_BASE_URL={url} {system}_TOKEN={given.token}\n")
        sys.stdout.flush()
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            sys.stdout.write("stopped\n")


if __name__ == "__main__":
    main()
