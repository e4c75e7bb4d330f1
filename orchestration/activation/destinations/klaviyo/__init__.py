"""Klaviyo: profiles by import job, and members of a list.

`account` asks and says what an answer means, `profiles` writes. Limits and answers are those of
https://developers.klaviyo.com/en/reference/api_overview.
"""

import os

from orchestration.activation.destination import Capabilities, Run, standard_canonical
from orchestration.activation.destinations.klaviyo.account import Account
from orchestration.activation.destinations.klaviyo.profiles import A_JOB, Klaviyo
from orchestration.activation.document import SyncDocument
from orchestration.activation.endpoint import check_endpoint
from orchestration.activation.errors import AuthError, MappingError
from orchestration.settings import Settings

CAPABILITIES = Capabilities(
    objects=None,
    modes=frozenset({"upsert", "mirror"}),
    exits=frozenset({"delete", "clear"}),
    match_by=frozenset({"external_id", "email", "phone_number"}),
    any_field=True,
    batch_size=A_JOB,
)
canonical = standard_canonical


def connect(settings: Settings, sync: SyncDocument, run: Run) -> Klaviyo:
    """The account that KLAVIYO_API_KEY belongs to.

    Raises AuthError without it, PlanRefusedError for an account that this environment may not write to.
    """
    key = os.environ.get("KLAVIYO_API_KEY", "").strip()
    if not key:
        raise AuthError("KLAVIYO_API_KEY is not set: give a private key that may read and write profiles and lists")
    is_list = sync.object.startswith("list.")
    if not is_list and sync.object != "profiles":
        raise MappingError(f"Klaviyo has no object '{sync.object}': write profiles, or list.<its name in lower case>")
    if not is_list and sync.on_exit == "delete":
        raise MappingError("profiles are not deleted, for their history goes with them: use on_exit clear, or a list")
    account = Account(os.environ.get("KLAVIYO_BASE_URL", "https://a.klaviyo.com").rstrip("/"), key)
    check_endpoint(settings, account.endpoint, is_sandbox=account.is_test_account)
    return Klaviyo(account, sync, run)
