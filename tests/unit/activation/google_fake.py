"""Customer Match of Google Ads as far as we speak to it: login, queries, jobs of people put in and taken out.

Answers have the shapes of the API's REST reference; `test_vendor_clients.py` reads requests and answers with the types
of the vendor's client, which itself speaks gRPC only.
"""

from itertools import count

from tests.unit.activation.fake_api import Answer, FakeApi, Request

GIVEN = {"DEVELOPER_TOKEN": "dev", "CLIENT_ID": "app", "CLIENT_SECRET": "app-secret", "REFRESH_TOKEN": "1//refresh",
         "CUSTOMER_ID": "123-456-7890"}  # fmt: skip
CUSTOMER, LIST = "1234567890", "77"
LIST_NAME = f"customers/{CUSTOMER}/userLists/{LIST}"


class FakeGoogleAds(FakeApi):
    """Members by all that they are known by. `invalid` are hashes that it refuses, `failed` jobs that it gave up."""

    def __init__(self) -> None:
        super().__init__()
        self.members: set[frozenset] = set()
        self.jobs: dict[str, list[dict]] = {}
        self.invalid: set[str] = set()
        self.failed: list[dict] = []
        self.tokens: set[str] = set()
        self.is_test = False
        self._ids = count(1)

    def is_write(self, request: Request) -> bool:
        return "/offlineUserDataJobs" in request.path

    def too_busy(self) -> Answer:
        return _error(429, "RESOURCE_EXHAUSTED", "Too many requests")

    def answer(self, request: Request) -> Answer:
        if request.path == "/token":
            return self._log_in(request.form)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return _error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if request.headers.get("developer-token") != GIVEN["DEVELOPER_TOKEN"]:
            return _error(403, "PERMISSION_DENIED", "The developer token is not valid.")
        path, _, verb = request.path.rpartition(":")
        if verb == "search":
            return Answer(200, {"results": self._found(request.body["query"])})
        if verb == "create":
            return self._begin(request.body["job"], path)
        name = path.split("/", 2)[2]
        if verb == "addOperations":
            return self._add(name, request.body["operations"])
        self._work_off(name)
        return Answer(200, {"name": f"{name}/operations/1", "done": False})

    def _log_in(self, form: dict[str, str]) -> Answer:
        if any(form.get(name.lower()) != GIVEN[name] for name in ("CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN")):
            return Answer(400, {"error": "invalid_grant", "error_description": "Bad Request"})
        self.tokens.add(token := f"ya29.{next(self._ids)}")
        return Answer(200, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def _found(self, query: str) -> list[dict]:
        if "FROM customer" in query:
            return [{"customer": {"resourceName": f"customers/{CUSTOMER}", "testAccount": self.is_test}}]
        if LIST_NAME not in query:
            return []
        if "FROM offline_user_data_job" in query:
            return [{"offlineUserDataJob": job} for job in self.failed]
        return [{"userList": {"resourceName": LIST_NAME, "name": "VIPs", "sizeForSearch": "1200",
                              "matchRatePercentage": 63, "readOnly": False}}]  # fmt: skip

    def _begin(self, job: dict, path: str) -> Answer:
        if job["customerMatchUserListMetadata"]["userList"] != LIST_NAME:
            return _error(400, "INVALID_ARGUMENT", "no such list")
        name = f"{path.split('/', 2)[2]}/{next(self._ids)}"
        self.jobs[name] = []
        return Answer(200, {"resourceName": name})

    def _add(self, name: str, operations: list[dict]) -> Answer:
        errors = []
        for place, one in enumerate(operations):
            known = next(iter(one.values()))["userIdentifiers"]
            if len(known) > 20 or self.invalid & set(_flat(known)):
                errors.append({
                    "errorCode": {"offlineUserDataJobError": "INVALID_SHA256_FORMAT"}, "message": "cannot be read",
                    "location": {"fieldPathElements": [{"fieldName": "operations", "index": place},
                                                       {"fieldName": "create"}]}})  # fmt: skip
            else:
                self.jobs[name].append(one)
        kind = "type.googleapis.com/google.ads.googleads.v25.errors.GoogleAdsFailure"
        failure = {"code": 3, "message": "some failed", "details": [{"@type": kind, "errors": errors}]}
        return Answer(200, {"partialFailureError": failure} if errors else {})

    def _work_off(self, name: str) -> None:
        for one in self.jobs[name]:
            for verb, user in one.items():
                who = frozenset(_flat(user["userIdentifiers"]))
                self.members = self.members | {who} if verb == "create" else self.members - {who}


def _flat(known: list[dict]) -> list[str]:
    return [text for one in known for value in one.values()
            for text in (value.values() if isinstance(value, dict) else [value])]  # fmt: skip


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"error": {"code": status, "message": message, "status": code}})
