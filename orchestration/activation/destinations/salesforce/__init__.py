"""Salesforce: contacts and leads, 200 a request, or a job of the Bulk API 2.0 when there are many.

`org` logs in and asks, `records` writes, `jobs` does so in bulk, `codes` says what an answer means. Limits and
answers are those of https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest.
"""

import os

from orchestration.activation import outbox
from orchestration.activation.destination import Capabilities, Run, standard_canonical
from orchestration.activation.destinations.salesforce.jobs import Jobs
from orchestration.activation.destinations.salesforce.org import Login, Org
from orchestration.activation.destinations.salesforce.records import EXTERNAL_ID, Salesforce
from orchestration.activation.document import SyncDocument
from orchestration.activation.endpoint import check_endpoint
from orchestration.activation.errors import AuthError
from orchestration.settings import Settings

CAPABILITIES = Capabilities(
    objects=frozenset({"contacts", "leads"}),
    modes=frozenset({"upsert", "update_only", "mirror"}),
    exits=frozenset({"delete", "clear"}),
    match_by=frozenset({"id", EXTERNAL_ID}),
    batch_size=200,
)
canonical = standard_canonical


def connect(settings: Settings, sync: SyncDocument, run: Run) -> Salesforce:
    """The org that SALESFORCE_URL names, by its client credentials or a token.

    Raises AuthError without them, PlanRefusedError for an org that this environment may not write to.
    """
    url = os.environ.get("SALESFORCE_URL", "").strip().rstrip("/")
    if not url:
        raise AuthError("SALESFORCE_URL is not set: give the org's own address, https://acme.my.salesforce.com")
    login = Login(url, *(os.environ.get(f"SALESFORCE_{name}", "") for name in ("CLIENT_ID", "CLIENT_SECRET", "TOKEN")))
    if not login.token and not (login.client_id and login.client_secret):
        raise AuthError(
            "no login for Salesforce: set SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET of a connected app with "
            "the client credentials flow, or SALESFORCE_TOKEN"
        )
    org = Org(login)
    check_endpoint(settings, url, is_sandbox=org.is_sandbox)
    return Salesforce(org, Jobs(org, outbox.folder(settings) / f"{sync.name}.salesforce-job.json"), sync, run)
