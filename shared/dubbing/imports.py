"""Imports of a program: what they make stays as long as its process, and no garbage is looked for in it.

The collector goes through all objects again and again while their number grows, and in the end once more. Where torch is
imported, that is four tenths of what the process spends on its start and its end.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def lasting() -> Iterator[None]:
    """Around the imports of a program's first module: what exists at its end is never looked through (``gc.freeze``)."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if on:
            gc.enable()
