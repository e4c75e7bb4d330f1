"""What a run is asked for beyond the usual: one row only, refused rows too, a ledger that is older. No logic."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scope:
    """`only`: the one key to send. `retry`: refused rows are tried again, unchanged or not.

    `accept_older_ledger`: what the ledger does not know of is sent anew.
    """

    only: str | None = None
    retry: bool = False
    accept_older_ledger: bool = False


USUAL = Scope()
