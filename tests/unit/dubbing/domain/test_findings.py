from collections.abc import Iterable

import pytest

from dubbing.domain.findings import frame_ranges

# Frame numbers as they are found, and the ranges in which they are told.
RANGES: dict[str, tuple[Iterable[int], list[tuple[int, int]]]] = {
    "none": ((), []),
    "one": ((7,), [(7, 8)]),
    "a run": (range(3, 6), [(3, 6)]),
    "two runs, one frame apart": ((3, 4, 6, 7), [(3, 5), (6, 8)]),
    "in any order": ((9, 2, 3, 0, 1), [(0, 4), (9, 10)]),
    "some twice, as chunks overlap": ((*range(5), *range(3, 8), 20), [(0, 8), (20, 21)]),
    "found one by one": (iter((5, 6)), [(5, 7)]),
}


@pytest.mark.parametrize("name", RANGES)
def test_frames_are_told_in_as_few_ranges_as_possible(name: str) -> None:
    frames, expected = RANGES[name]
    assert [(part.start, part.end) for part in frame_ranges(frames)] == expected
