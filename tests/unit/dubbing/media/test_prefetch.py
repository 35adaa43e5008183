import threading
from collections.abc import Iterator

import pytest
from waiting import LIMIT

from dubbing.media.prefetch import parallel_map, prefetch


def test_items_come_in_order_and_all_of_them() -> None:
    assert list(prefetch(iter(range(1000)), 3)) == list(range(1000))
    assert list(prefetch(iter(()), 1)) == []


def test_the_source_runs_on_a_thread_of_its_own() -> None:
    def source() -> Iterator[int]:
        for _ in range(3):
            yield threading.get_ident()

    (one,) = set(prefetch(source(), 2))
    assert one != threading.get_ident()


def test_no_more_than_the_depth_waits() -> None:
    made: list[int] = []

    def source() -> Iterator[int]:
        for i in range(50):
            made.append(i)
            yield i

    for i in prefetch(source(), 2):
        assert len(made) <= i + 5  # two wait, one is at hand, one is being put, one is made


def test_an_error_of_the_source_is_raised_at_its_place() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    items = prefetch(source(), 4)
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
    items = prefetch(source(), 2)
    assert next(items) == 0
    items.close()  # type: ignore[attr-defined]
    assert closed.is_set()
    assert threading.active_count() == before


def test_work_side_by_side_gives_results_in_order() -> None:
    def work(item: int) -> int:
        if item == 0:
            both.wait(LIMIT)  # the first is not done before the second has begun
        if item == 1:
            both.wait(LIMIT)
        return item * item

    both = threading.Barrier(2)
    assert list(parallel_map(iter(range(100)), work, 2)) == [i * i for i in range(100)]
    assert list(parallel_map(iter(()), work, 2)) == []


def test_no_more_is_begun_than_is_worked_on_and_waits() -> None:
    taken: list[int] = []

    def source() -> Iterator[int]:
        for i in range(50):
            taken.append(i)
            yield i

    for i in parallel_map(source(), lambda item: item, 3):
        assert len(taken) <= i + 6


def test_what_work_raises_is_raised_at_its_place_and_ends_the_threads() -> None:
    def work(item: int) -> int:
        if item == 2:
            raise ValueError("broken")
        return item

    before = threading.active_count()
    results = parallel_map(iter(range(10)), work, 2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="broken"):
        next(results)
    assert threading.active_count() == before
