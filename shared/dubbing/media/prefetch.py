"""Making items on threads of their own while the caller works on those before: decoding beside painting beside encoding."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import NamedTuple, TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")
_POLL_SECONDS = 0.1  # between two checks whether anybody still wants the items


class _Failed(NamedTuple):
    error: BaseException


class _End:
    """The source is exhausted."""


def prefetch(items: Iterator[_T], depth: int) -> Iterator[_T]:
    """The items in order, made up to ``depth`` in advance; the source runs on another thread, and on that one only.

    What the source raises is raised here, at its place. When the caller stops early, so does the source.

    Args:
        items: the source; a generator is closed when it is not wanted any more.
        depth: items that may wait, at least 1.
    """
    made: Queue[_T | _Failed | _End] = Queue(depth)
    unwanted = threading.Event()
    thread = threading.Thread(target=_make, args=(items, made, unwanted), name="prefetch", daemon=True)
    thread.start()
    try:
        while not isinstance(item := made.get(), _End):
            if isinstance(item, _Failed):
                raise item.error
            yield item
    finally:
        unwanted.set()
        with suppress(Empty):
            while True:
                made.get_nowait()
        thread.join()


def parallel_map(items: Iterator[_T], work: Callable[[_T], _R], threads: int) -> Iterator[_R]:
    """``work`` done on several items at once, its results in the items' order.

    What ``work`` raises is raised here, at its place, after what has begun by then. The source runs on the caller's thread.

    Args:
        items: the source.
        work: done on ``threads`` threads; must not depend on the items before.
        threads: as many items are worked on, and as many more wait to be fetched.
    """
    begun: deque[Future[_R]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="parallel-map") as pool:
        try:
            for item in items:
                begun.append(pool.submit(work, item))
                if len(begun) == 2 * threads:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()


def _make(items: Iterator[_T], made: "Queue[_T | _Failed | _End]", unwanted: threading.Event) -> None:
    try:
        for item in items:
            if not _put(item, made, unwanted):
                break
    except BaseException as error:  # noqa: BLE001 - it is raised where the items are wanted
        _put(_Failed(error), made, unwanted)
    else:
        _put(_End(), made, unwanted)
    finally:
        if (close := getattr(items, "close", None)) is not None:
            close()


def _put(item: "_T | _Failed | _End", made: "Queue[_T | _Failed | _End]", unwanted: threading.Event) -> bool:
    """Put the item as soon as there is room; False when nobody wants it any more."""
    while not unwanted.is_set():
        with suppress(Full):
            made.put(item, timeout=_POLL_SECONDS)
            return True
    return False
