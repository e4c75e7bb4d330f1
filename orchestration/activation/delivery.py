"""How a batch reaches a destination: its rate, patience with what passes, and halving of what is refused whole."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from orchestration.activation.destination import Op, RowDestination, RowResult
from orchestration.activation.errors import BatchRefusedError, TransientError, UnavailableError, UnknownError

_log = logging.getLogger(__name__)
T = TypeVar("T")
_TRIES_OF_A_SUSPECT = 2


@dataclass(frozen=True)
class Patience:
    """How often a request is tried and how long is waited between, in seconds; Retry-After is obeyed up to a limit."""

    tries: int = 6
    first_wait: float = 0.5
    longest_wait: float = 20.0
    longest_retry_after: float = 120.0


class Bucket:
    """Lets through `rate` requests a second, `burst` at once."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._at = float(burst), time.monotonic()
        self._lock = threading.Lock()

    def take(self) -> None:
        """Wait until a request may be made."""
        with self._lock:
            now = time.monotonic()
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - 1
            self._at = now
            wait = max(0.0, -self._tokens / self._rate)
        time.sleep(wait)


_buckets: dict[str, Bucket] = {}
_buckets_lock = threading.Lock()


def bucket(destination: RowDestination) -> Bucket:
    """The one bucket of an endpoint: every sync of this process shares it."""
    with _buckets_lock:
        return _buckets.setdefault(destination.endpoint, Bucket(destination.rate, destination.burst))


class Courier:
    """Delivers batches to one destination; what `deliver` yields is final, and to be kept before it goes on."""

    def __init__(self, destination: RowDestination, patience: Patience) -> None:
        self._destination, self._patience = destination, patience
        self._bucket = bucket(destination)

    def prepare(self) -> None:
        """Let the destination check access and fields, with the same patience as for rows."""
        try:
            self._patiently(self._destination.prepare, self._patience.tries)
        except TransientError as error:
            raise UnavailableError(
                f"{self._destination.endpoint} does not answer ({error}): nothing was sent; run the sync again later"
            ) from error

    def deliver(self, ops: Sequence[Op]) -> Iterator[tuple[list[RowResult], int]]:
        """Final outcomes of the batch, each list with the number of tries it took.

        Raises UnavailableError when the destination keeps failing, and whatever else stops a run.
        """
        waiting = {op.seq: op for op in ops}
        try:
            try:
                yield from self._settle(waiting, self._patience.tries)
            except BatchRefusedError as refusal:
                yield from self._parted(waiting, refusal)
            except UnknownError as error:
                yield from self._suspects(waiting, error)
        except TransientError as error:
            raise UnavailableError(
                f"{self._destination.endpoint} keeps failing ({error}): "
                "what was acknowledged is kept; run the sync again when it answers"
            ) from error

    def _settle(self, waiting: dict[int, Op], tries: int) -> Iterator[tuple[list[RowResult], int]]:
        """Send until every row has a final answer, taking each out of `waiting`."""
        last: dict[int, RowResult] = {}
        for attempt in range(1, tries + 1):
            answers = self._patiently(lambda: self._destination.send(list(waiting.values())), tries)
            final = [answer for answer in answers if answer.outcome != "again" and waiting.pop(answer.seq, None)]
            last |= {answer.seq: answer for answer in answers}
            if final:
                yield final, attempt
            if not waiting:
                return
            time.sleep(min(self._patience.first_wait * 2 ** (attempt - 1), self._patience.longest_wait))
        yield [_unanswered(op, last.get(op.seq)) for op in waiting.values()], tries
        waiting.clear()

    def _parted(self, waiting: dict[int, Op], error: Exception) -> Iterator[tuple[list[RowResult], int]]:
        """Halve a batch that was refused or broke the server until each row at fault stands alone."""
        ops = list(waiting.values())
        if len(ops) == 1:
            yield [_refused(ops[0], error)], 1
            return
        for half in (ops[: len(ops) // 2], ops[len(ops) // 2 :]):
            left = {op.seq: op for op in half}
            try:
                yield from self._settle(left, _TRIES_OF_A_SUSPECT)
            except (BatchRefusedError, UnknownError) as refusal:
                yield from self._parted(left, refusal)

    def _suspects(self, waiting: dict[int, Op], error: UnknownError) -> Iterator[tuple[list[RowResult], int]]:
        """Part a batch that broke the server; when no row of many passes, the server is sick and no row is at fault."""
        count, kept = len(waiting), []
        self._patiently(self._destination.prepare, _TRIES_OF_A_SUSPECT)
        for results, tries in self._parted(waiting, error):
            if all(result.error_class == "unknown" for result in results):
                kept.append((results, tries))
            else:
                yield results, tries
        if count > 1 and sum(len(results) for results, _ in kept) == count:
            raise error
        yield from kept

    def _patiently(self, request: Callable[[], T], tries: int) -> T:
        def call() -> T:
            self._bucket.take()
            return request()

        def enough(state: RetryCallState) -> bool:
            # A busy server gets all our patience; one that breaks on what it is sent is better asked for less.
            is_unknown = isinstance(state.outcome.exception(), UnknownError)
            return state.attempt_number >= (tries if is_unknown else self._patience.tries)

        retry = retry_if_exception_type(TransientError)
        return Retrying(retry=retry, stop=enough, wait=self._wait, before_sleep=_say, reraise=True)(call)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception()
        asked = getattr(error, "retry_after", None)
        if asked is None:
            return wait_random_exponential(self._patience.first_wait, self._patience.longest_wait)(state)
        if asked > self._patience.longest_retry_after:
            raise UnavailableError(
                f"{self._destination.endpoint} asks to wait {asked:.0f} s ({error}): "
                "what was acknowledged is kept; run the sync again after that"
            ) from error
        return asked


def _say(state: RetryCallState) -> None:
    _log.warning(
        "%s; try %d follows in %.1f s", state.outcome.exception(), state.attempt_number + 1, state.upcoming_sleep
    )


def _refused(op: Op, error: Exception) -> RowResult:
    if isinstance(error, BatchRefusedError):
        return RowResult(op.seq, "rejected", error.status, "permanent", error.code, str(error))
    status = getattr(error, "status", None)
    return RowResult(op.seq, "rejected", status, "unknown", f"HTTP_{status}", str(error))


def _unanswered(op: Op, last: RowResult | None) -> RowResult:
    if last is None:
        return RowResult(
            op.seq, "rejected", None, "unknown", "NO_ANSWER", "the destination never answered for this row"
        )
    return RowResult(op.seq, "rejected", last.status, last.error_class, last.code, last.message)
