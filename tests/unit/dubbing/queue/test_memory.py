import subprocess
import sys

import pytest
from places import ROOT

from dubbing.queue.memory import trim_heap

# What a heap gives back by itself depends on all that was in it before.
_FRESH = """
import psutil
from dubbing.queue.memory import trim_heap

blocks = [bytearray(b"\\1" * 100_000) for _ in range(2_000)]  # below the size that is mapped on its own
last = blocks[-1]  # and this one keeps the heap's end where it is
blocks.clear()
held = psutil.Process().memory_info().rss
trim_heap()
print(held - psutil.Process().memory_info().rss, last[0])
"""


def test_what_lies_free_between_living_blocks_goes_back_to_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", _FRESH], check=True, capture_output=True, text=True, cwd=ROOT / "shared")
    given, kept = map(int, done.stdout.split())
    assert given > 100 << 20
    assert kept == 1


def test_a_c_library_without_it_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dubbing.queue.memory.ctypes.CDLL", lambda _: object())
    trim_heap()
