"""The one way in which tests wait: until something is so."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
# Never the time that something may take: it ends what hangs, and a machine that is ten times slower is no reason to.
LIMIT = 300.0


def until(so: Callable[[], T], otherwise: str | Callable[[], object], *, seconds: float = LIMIT, every: float = 0.05) -> T:
    """What ``so`` gives as soon as that is true; fails with ``otherwise`` when it never is.

    Args:
        so: is asked again and again.
        otherwise: what then is wrong, or a function that tells.
        seconds: after which nobody believes in it any more.
        every: seconds between two questions.
    """
    deadline = time.monotonic() + seconds
    while not (found := so()):
        assert time.monotonic() < deadline, otherwise() if callable(otherwise) else otherwise
        time.sleep(every)
    return found
