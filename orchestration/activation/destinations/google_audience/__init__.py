"""Customer Match lists of Google Ads: a job a batch, of people put in and taken out by what they are known by, hashed.

`account` asks and says what an answer means, `members` writes. Limits and answers are those of
https://developers.google.com/google-ads/api/docs/remarketing/audience-segments/customer-match. A job may take a day, so
rows are acknowledged when Google has taken them and started it.
"""

import os
import re

from orchestration.activation.destination import Capabilities, Run, standard_canonical
from orchestration.activation.destinations.google_audience.account import Account
from orchestration.activation.destinations.google_audience.members import A_JOB, KNOWN_BY, GoogleAudience
from orchestration.activation.document import SyncDocument
from orchestration.activation.endpoint import check_endpoint
from orchestration.activation.errors import AuthError, MappingError
from orchestration.settings import Settings

CAPABILITIES = Capabilities(
    objects=None, modes=frozenset({"audience"}), match_by=frozenset({"id"}), any_field=True, batch_size=A_JOB
)
canonical = standard_canonical
_LIST = re.compile(r"list_(\d+)")
_NEEDED = ("DEVELOPER_TOKEN", "CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN", "CUSTOMER_ID")


def connect(settings: Settings, sync: SyncDocument, run: Run) -> GoogleAudience:
    """The list that the document names, by the GOOGLE_ADS_ variables.

    Raises AuthError when one is missing, MappingError for an object or a field that is none, PlanRefusedError for a
    customer that this environment may not write to.
    """
    given = {name: os.environ.get(f"GOOGLE_ADS_{name}", "").strip() for name in _NEEDED}
    missing = [f"GOOGLE_ADS_{name}" for name, text in given.items() if not text]
    if missing:
        raise AuthError(f"no login for Google Ads: set {', '.join(missing)}")
    named = _LIST.fullmatch(sync.object)
    if not named:
        raise MappingError(f"'{sync.object}' is no list of Google Ads: give list_ and its number")
    unknown = sorted({rule.to for rule in sync.fields.values()} - set(KNOWN_BY))
    if unknown:
        raise MappingError(f"Google knows nobody by {', '.join(unknown)}: map to {', '.join(KNOWN_BY)}")
    account = Account(os.environ.get("GOOGLE_ADS_BASE_URL", "https://googleads.googleapis.com").rstrip("/"), given)
    check_endpoint(settings, account.endpoint, is_sandbox=account.is_test_account)
    return GoogleAudience(account, named[1], sync)
