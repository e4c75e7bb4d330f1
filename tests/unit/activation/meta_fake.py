"""Custom Audiences of Meta as far as we speak to them: who is added and removed, what is refused.

Answers have the shapes of the API's documentation; `test_vendor_clients.py` has the vendor's client read them.
"""

import json

from tests.unit.activation.fake_api import Answer, FakeApi, Request

TOKEN, AUDIENCE = "EAAB-token", "23850000000000001"
_SCHEMA = {
    "EXTERN_ID",
    "EMAIL",
    "PHONE",
    "FN",
    "LN",
    "CT",
    "ST",
    "ZIP",
    "COUNTRY",
    "GEN",
    "DOBY",
    "DOBM",
    "DOBD",
    "MADID",
}
_PLAIN = ("EXTERN_ID", "MADID")


class FakeAudience(FakeApi):
    """Members by external id, or else by all that they are known by. `invalid` are hashes that it cannot read."""

    def __init__(self) -> None:
        super().__init__()
        self.members: dict[object, dict[str, str]] = {}
        self.invalid: set[str] = set()
        self.regain_minutes = 0

    def is_write(self, request: Request) -> bool:
        return request.path.endswith("/users")

    def too_busy(self) -> Answer:
        usage = json.dumps({"1": [{"type": "custom_audience", "estimated_time_to_regain_access": self.regain_minutes}]})
        return Answer(400, _error(80003, "There have been too many calls"), {"X-Business-Use-Case-Usage": usage})

    def answer(self, request: Request) -> Answer:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        given = {**request.query, **(request.form if request.content else {})}
        if TOKEN not in (token, given.get("access_token")):
            return Answer(401, _error(190, "Invalid OAuth access token."))
        _, _, audience, *rest = request.path.split("/")
        if audience != AUDIENCE:
            return Answer(400, _error(100, "Object does not exist") | {"error_subcode": 33})
        if rest != ["users"]:
            return Answer(200, {"id": AUDIENCE, "name": "VIPs", "approximate_count_lower_bound": 900,
                                "approximate_count_upper_bound": 1000, "operation_status": {"code": 200}})  # fmt: skip
        return self._users(request.method, json.loads(given["payload"]), json.loads(given.get("session", "{}")))

    def _users(self, method: str, payload: dict, session: dict) -> Answer:
        schema, rows = payload["schema"], payload["data"]
        if isinstance(schema, str):
            schema, rows = [schema.removesuffix("_SHA256")], [[row] for row in rows]
        if set(schema) - _SCHEMA or len(rows) > 10_000 or any(len(row) != len(schema) for row in rows):
            return Answer(400, _error(100, "Invalid parameter"))
        bad = 0
        for row in rows:
            known = {name: text for name, text in zip(schema, row, strict=True) if text}
            if any(text in self.invalid or (name not in _PLAIN and len(text) != 64) for name, text in known.items()):
                bad += 1
                continue
            key = known.get("EXTERN_ID") or frozenset(known.items())
            if method == "DELETE":
                self.members.pop(key, None)
            else:
                self.members.setdefault(key, {}).update(known)
        told = {"num_received": len(rows), "num_invalid_entries": bad, "invalid_entry_samples": {}}
        return Answer(200, {"audience_id": AUDIENCE, "session_id": str(session.get("session_id", 1)), **told})


def _error(code: int, message: str) -> dict:
    kind = "OAuthException" if code == 190 else "GraphMethodException"
    return {"error": {"message": message, "type": kind, "code": code, "fbtrace_id": "A1", "is_transient": False}}
