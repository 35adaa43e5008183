import psutil
import pytest

from dubbing.queue.memory import trim_heap


def test_what_lies_free_between_living_blocks_goes_back_to_the_system() -> None:
    blocks = [bytearray(b"\1" * 100_000) for _ in range(2_000)]  # below the size that is mapped on its own
    last = blocks[-1]  # and this one keeps the heap's end where it is
    blocks.clear()
    held = psutil.Process().memory_info().rss
    trim_heap()
    assert held - psutil.Process().memory_info().rss > 100 << 20
    assert last[0] == 1


def test_a_c_library_without_it_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dubbing.queue.memory.ctypes.CDLL", lambda _: object())
    trim_heap()
