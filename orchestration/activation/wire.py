"""What goes over the wire to a destination and comes back, for whoever watches a single row. Never the headers.

A destination that uses httpx gives its client `event_hooks=wire.HOOKS`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

LONGEST_BODY = 2_000
Listener = Callable[[str], None]
_listeners: list[Listener] = []


@contextmanager
def watched(listener: Listener) -> Iterator[None]:
    """Tell `listener` each request and each answer of this process until the block ends."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def _request(request: httpx.Request) -> None:
    if _listeners:
        _tell(f"> {request.method} {request.url.copy_with(query=None)}", request.content)


def _response(response: httpx.Response) -> None:
    if _listeners:
        _tell(f"< {response.status_code} {response.reason_phrase}", response.read())


def _tell(line: str, body: bytes) -> None:
    shown = body.decode("utf-8", "replace")
    cut = f" ... {len(shown)} characters" if len(shown) > LONGEST_BODY else ""
    for listener in _listeners:
        listener(line)
        if shown:
            listener(f"  {shown[:LONGEST_BODY]}{cut}")


HOOKS = {"request": [_request], "response": [_response]}
