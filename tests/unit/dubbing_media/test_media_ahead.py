import threading
from collections.abc import Iterator

import pytest

from dubbing.media.ahead import ahead


def test_items_come_in_order_and_all_of_them() -> None:
    assert list(ahead(iter(range(1000)), 3)) == list(range(1000))
    assert list(ahead(iter(()), 1)) == []


def test_the_source_runs_on_a_thread_of_its_own() -> None:
    def source() -> Iterator[int]:
        for _ in range(3):
            yield threading.get_ident()

    (one,) = set(ahead(source(), 2))
    assert one != threading.get_ident()


def test_no_more_than_the_depth_waits() -> None:
    made: list[int] = []

    def source() -> Iterator[int]:
        for i in range(50):
            made.append(i)
            yield i

    for i in ahead(source(), 2):
        assert len(made) <= i + 5  # two wait, one is at hand, one is being put, one is made


def test_an_error_of_the_source_is_raised_at_its_place() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    items = ahead(source(), 4)
    assert next(items) == 1
    with pytest.raises(ValueError, match="broken"):
        next(items)


def test_a_caller_that_stops_early_ends_and_closes_the_source() -> None:
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            yield from range(10**9)
        finally:
            closed.set()

    before = threading.active_count()
    items = ahead(source(), 2)
    assert next(items) == 0
    items.close()  # type: ignore[attr-defined]
    assert closed.is_set()
    assert threading.active_count() == before
