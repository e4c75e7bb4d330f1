"""Why a sync stops or a batch is refused: one exception per case that is handled differently. No logic."""

from orchestration.errors import TesseraError


class SyncStoppedError(TesseraError):
    """The run ends here; what was acknowledged is kept, the rest waits for the next run. Says what to do."""


class PlanRefusedError(SyncStoppedError):
    """A guard, a bad key or another environment's ledger: nothing was sent."""


class ForeignLedgerError(PlanRefusedError):
    """The ledger belongs to another environment, so not even the refusal may be written into it."""


class AuthError(SyncStoppedError):
    """The destination does not know us or does not let us: no row is at fault, none is rejected."""


class MappingError(SyncStoppedError):
    """The destination lacks an object or field the sync writes: every row would fail alike."""


class UnavailableError(SyncStoppedError):
    """The destination kept failing or asks for a longer wait than a run should take."""


class TransientError(Exception):
    """Worth trying again: rate limit, lock, network, a server that is busy."""

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class UnknownError(TransientError):
    """A server error that may be its state or our row; tried again, then bisected."""


class BatchRefusedError(Exception):
    """The destination refused the whole request because of what is in it."""

    def __init__(self, code: str, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
