"""Which failures are the user's to mend: shown as one message, without a traceback."""

import errno

from data_contracts.odcs import ContractError
from ingestion.batch import SourceError


class TesseraError(RuntimeError):
    """Base of failures whose message says what, where and what to do."""


EXPECTED = (TesseraError, ContractError, SourceError, OSError)


def explain(error: BaseException) -> str:
    """The message of an expected failure; a full disk says so and what it needs."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"the disk is full ({error.filename or error}): free some space and run again; nothing half-written stays"
    return str(error)
