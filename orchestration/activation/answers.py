"""What an API answers, before its own codes are looked at: a connection that fails, busy, broken, refused.

Which code means what is known in the module of each destination.
"""

from typing import Any

import httpx

from orchestration.activation.errors import BatchRefusedError, TransientError, UnknownError

BUSY = (408, 425, 429, 502, 503, 504)


def asked(client: httpx.Client, method: str, url: str, **content: Any) -> httpx.Response:
    """The answer, whatever it says. Raises TransientError when there is none."""
    try:
        return client.request(method, url, **content)
    except httpx.HTTPError as error:
        raise TransientError(f"{type(error).__name__}: {error}") from error


def body_of(response: httpx.Response, *named: str) -> Any:
    """The JSON of an answer, an object that has what is `named`.

    Raises TransientError when it is not: something before the API may answer 200 with a body of its own.
    """
    body = said(response)
    if body is None or (named and not (isinstance(body, dict) and body.keys() >= set(named))):
        wanted = f"has no {', '.join(named)}" if named else "is not JSON"
        raise TransientError(f"the answer is not the API's: it {wanted}", status=response.status_code)
    return body


def said(response: httpx.Response) -> Any:
    """The JSON of an answer, or None."""
    try:
        return response.json()
    except ValueError:
        return None


def failure(response: httpx.Response, code: str, message: str) -> Exception:
    """What an answer that is no success means when its code says nothing more: later, unknown, or refused."""
    status = response.status_code
    told = f"HTTP {status} {message}".strip()
    if status in BUSY:
        return TransientError(told, status=status, retry_after=_seconds(response.headers.get("Retry-After")))
    if status >= 500:
        return UnknownError(told, status=status)
    return BatchRefusedError(code, told, status=status)


def _seconds(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
