"""How a batch reaches a destination: patience with what passes, and halving of what is refused whole."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from orchestration.activation.bucket import Bucket
from orchestration.activation.destination import Held, Op, Outcome, RowDestination, RowResult
from orchestration.activation.errors import (
    BatchRefusedError,
    MappingError,
    TransientError,
    UnavailableError,
    UnknownError,
)
from orchestration.activation.patience import Patience

T = TypeVar("T")
_TRIES_OF_A_SUSPECT = 2


class Courier:
    """Delivers batches to one destination; what `deliver` yields is final, and to be kept before it goes on."""

    def __init__(self, destination: RowDestination, patience: Patience, bucket: Bucket) -> None:
        self._destination, self._patience, self._bucket = destination, patience, bucket

    def prepare(self) -> None:
        """Let the destination check access and fields, with the same patience as for rows."""
        try:
            self._patiently(self._destination.prepare, self._patience.tries)
        except TransientError as error:
            raise UnavailableError(
                f"{self._destination.endpoint} does not answer ({error}): nothing was sent; run the sync again later"
            ) from error

    def read(self, keys: Sequence[str], fields: Sequence[str]) -> list[Held]:
        """What the destination holds of these rows."""
        return self._reading(lambda: self._destination.read(keys, fields))

    def pages(self, fields: Sequence[str]) -> Iterator[list[Held]]:
        """Every row the destination holds."""
        after, is_first = None, True
        while after is not None or is_first:
            held, after = self._reading(lambda at=after: self._destination.read_page(fields, at))
            is_first = False
            yield held

    def _reading(self, request: Callable[[], T]) -> T:
        try:
            return self._patiently(request, self._patience.tries)
        except TransientError as error:
            raise UnavailableError(
                f"{self._destination.endpoint} does not tell what it holds ({error}): run the sync again later"
            ) from error
        except BatchRefusedError as error:
            raise MappingError(
                f"{self._destination.endpoint} does not tell what it holds ({error.code}: {error})"
            ) from error

    def together(self, batches: Sequence[Sequence[Op]]) -> Iterator[list[Outcome]]:
        """Final outcomes of batches, as many under way at once as the destination takes.

        What fails is raised when all that is under way has ended; no other batch is begun.
        """
        if min(self._destination.parallel, len(batches)) == 1:
            yield from ([outcome] for batch in batches for outcome in self.deliver(batch))
            return
        answers: SimpleQueue[Outcome | None] = SimpleQueue()
        failures: list[Exception] = []

        def carry(batch: Sequence[Op]) -> None:
            try:
                if not failures:
                    for outcome in self.deliver(batch):
                        answers.put(outcome)
            except Exception as error:
                failures.append(error)
            finally:
                answers.put(None)

        with ThreadPoolExecutor(self._destination.parallel) as pool:
            for batch in batches:
                pool.submit(carry, batch)
            yield from _as_they_come(answers, len(batches))
        if failures:
            raise failures[0]

    def deliver(self, ops: Sequence[Op]) -> Iterator[Outcome]:
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

    def _settle(self, waiting: dict[int, Op], tries: int) -> Iterator[Outcome]:
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

    def _parted(self, waiting: dict[int, Op], error: Exception) -> Iterator[Outcome]:
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

    def _suspects(self, waiting: dict[int, Op], error: UnknownError) -> Iterator[Outcome]:
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

        return self._patience.ask(self._destination.endpoint, call, tries)


def _as_they_come(answers: SimpleQueue[Outcome | None], batches: int) -> Iterator[list[Outcome]]:
    """What is there, as one list, until every batch has ended; a batch ends with None."""
    while batches:
        found = [answers.get()]
        while not answers.empty():
            found.append(answers.get())
        batches -= found.count(None)
        if outcomes := [outcome for outcome in found if outcome is not None]:
            yield outcomes


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
