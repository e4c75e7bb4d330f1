"""What an endpoint of the local server hands back to the HTTP layer.

How an answer travels does not belong here.
"""

import json
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """Status, body and headers of one answer; `writes` counts the objects it changed."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    writes: int = 0

    @classmethod
    def json(cls, status: int, document: object, *, writes: int = 0, **headers: str) -> "Answer":
        """An answer whose body is the document as JSON; header names are given with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, json.dumps(document).encode(), headers=named, writes=writes)
