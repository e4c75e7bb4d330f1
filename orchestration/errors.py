"""Which failures are the user's to mend: shown as one message, without a traceback."""

import errno
from collections.abc import Iterator

_FULL = ("no space left on device", "database or disk is full")


class TesseraError(RuntimeError):
    """Base of failures whose message says what, where and what to do."""


def is_expected(error: BaseException) -> bool:
    """Whether the message alone says enough: a user can mend it, no programmer is needed."""
    # Imported here: they bring Arrow and the YAML reader, which help and a good run do not need.
    from data_contracts.odcs import ContractError
    from ingestion.batch import SourceError

    return isinstance(error, TesseraError | ContractError | SourceError | OSError) or is_disk_full(error)


def is_disk_full(error: BaseException) -> bool:
    """Whether a full disk is the cause, whichever library met it."""
    return any(
        (isinstance(cause, OSError) and cause.errno == errno.ENOSPC) or says_disk_full(str(cause))
        for cause in _causes(error)
    )


def says_disk_full(message: str) -> bool:
    """Whether a library's message is one about a full disk."""
    return any(words in message.lower() for words in _FULL)


def explain(error: BaseException) -> str:
    """The message of an expected failure, with what to do where the system alone spoke."""
    if is_disk_full(error):
        where = error.filename if isinstance(error, OSError) and error.filename else str(error)
        return disk_full(where)
    if isinstance(error, OSError) and error.filename:
        return (
            f"{error.filename}: {error.strerror}: give this user the right to it, or name another place, and run again"
        )
    return str(error)


def disk_full(where: str) -> str:
    """The sentence for a disk that is full at `where`."""
    return f"the disk is full ({where}): free some space and run again; nothing half-written stays"


def root_cause(error: BaseException) -> BaseException:
    """The first of a chain of exceptions: what really happened, under what libraries wrapped around it."""
    return list(_causes(error))[-1]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
