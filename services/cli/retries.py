"""Retries of calls to a server: one that has answered before is only being restarted; one that never did is soon given up."""

import math
import time
from collections.abc import Callable
from typing import TypeVar

import stamina

from dubbing.errors import Transient

# Seconds for which a call is repeated: to a server that never answered, and to one that did.
CONNECT_SECONDS, RETRY_SECONDS = 6.0, 900.0
# Seconds between tries: they double from the first to the longest, and something is drawn on top.
PAUSES = {"wait_initial": 0.1, "wait_max": 5.0, "wait_jitter": 1.0}
# A blip of a second or two is not worth a line.
_REPORT_AT = 4

_T = TypeVar("_T")
Tell = Callable[[str], None]


class Unreachable(Transient):
    """No server answers at the address."""

    code = "api_unreachable"
    title = "The API does not answer"


class Retries:
    """Repeats calls to one server while it is away. Threads may share it.

    Args:
        what: what the server is, at the start of a sentence.
        tell: hears once that it is waited for, and once that it is back.
    """

    def __init__(self, what: str, tell: Tell) -> None:
        self._what = what
        self._tell = tell
        self._answered = self._reported = False
        self._deadline = math.inf

    def of(self, call: Callable[[], _T]) -> _T:
        """What ``call`` returns, sooner or later; a call may come twice, so it must be one that changes nothing twice.

        Raises:
            Unreachable: the last one of ``call``, when the time for retries is over.
        """
        timeout = RETRY_SECONDS if self._answered else CONNECT_SECONDS
        for attempt in stamina.retry_context(self._is_worth_it, attempts=None, timeout=timeout, **PAUSES):
            with attempt:
                try:
                    answer = call()
                except Unreachable as error:
                    self._is_away(error, attempt.num)
                    raise
                self._is_back()
                return answer
        raise AssertionError  # retry_context returns or raises

    def end_within(self, seconds: float) -> None:
        """Repeats nothing any more once ``seconds`` have passed: somebody wants to go."""
        self._deadline = time.monotonic() + seconds

    def _is_worth_it(self, error: Exception) -> bool:
        return isinstance(error, Unreachable) and time.monotonic() < self._deadline

    def _is_away(self, error: Unreachable, times: int) -> None:
        if times == _REPORT_AT and not self._reported:
            self._reported = True
            self._tell(f"{self._what} is waited for: {error.detail}")

    def _is_back(self) -> None:
        self._answered = True
        if self._reported:
            self._reported = False
            self._tell(f"{self._what} answers again.")
