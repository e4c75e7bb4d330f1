"""How long a destination is waited for: tries, growing waits, Retry-After. What is tried is in `delivery.py`."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from orchestration.activation.errors import TransientError, UnavailableError, UnknownError

_log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How often a request is tried and how long is waited between, in seconds; Retry-After is obeyed up to a limit."""

    tries: int = 6
    first_wait: float = 0.5
    longest_wait: float = 20.0
    longest_retry_after: float = 120.0

    def ask(self, endpoint: str, request: Callable[[], T], tries_of_unknown: int | None = None) -> T:
        """The answer to a request, asked again while what fails may pass; the last TransientError is raised.

        Raises UnavailableError when the destination asks for a longer wait than a run should take.
        """

        def enough(state: RetryCallState) -> bool:
            # A busy server gets all our patience; one that breaks on what it is sent is better asked for less.
            is_unknown = isinstance(state.outcome.exception(), UnknownError)
            tries = tries_of_unknown if is_unknown and tries_of_unknown else self.tries
            return state.attempt_number >= tries

        retry = retry_if_exception_type(TransientError)
        wait = self._waits(endpoint)
        return Retrying(retry=retry, stop=enough, wait=wait, before_sleep=_say, reraise=True)(request)

    def _waits(self, endpoint: str) -> Callable[[RetryCallState], float]:
        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception()
            asked = getattr(error, "retry_after", None)
            if asked is None:
                return wait_random_exponential(self.first_wait, self.longest_wait)(state)
            if asked > self.longest_retry_after:
                raise UnavailableError(
                    f"{endpoint} asks to wait {asked:.0f} s ({error}): "
                    "what was acknowledged is kept; run the sync again after that"
                ) from error
            return asked

        return wait


def _say(state: RetryCallState) -> None:
    _log.warning(
        "%s; try %d follows in %.1f s", state.outcome.exception(), state.attempt_number + 1, state.upcoming_sleep
    )
