"""Threads of processes that share the cores of a machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_NAME = "OMP_NUM_THREADS"


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Processes that begin meanwhile use one thread in BLAS and torch, which read this when they are loaded.

    If each used all cores, they would wait for each other: 900 systems of two equations took OpenBLAS seven seconds beside
    other work, and a millisecond with one thread. (OpenCV does not read it.)
    """
    before = os.environ.get(_NAME)
    os.environ[_NAME] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_NAME]
        else:
            os.environ[_NAME] = before
