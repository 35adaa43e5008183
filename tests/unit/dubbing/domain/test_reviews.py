"""What was settled for good in one revision is settled in the next one, where the same code covers the same frames."""

import pytest

from dubbing.domain.findings import Finding, FindingCode, FrameRange
from dubbing.domain.reviews import GuestRight, SettledFinding, carry, severity_of

LOST, FLASH = FindingCode.FACE_LOST, FindingCode.FLASH


def found(code: str, *frames: tuple[int, int], detail: str = "x") -> Finding:
    return Finding(code=code, detail=detail, frames=tuple(FrameRange(start=start, end=end) for start, end in frames))


SETTLED = (
    SettledFinding("a", found(LOST, (0, 10), (50, 60))),
    SettledFinding("b", found(LOST, (100, 200))),
    SettledFinding("c", found(FindingCode.LEVEL_CHANGED, detail="3 dB louder")),
)
Parts = list[tuple[list[tuple[int, int]], str | None]]
CASES: dict[str, tuple[Finding, Parts]] = {
    "the same frames": (found(LOST, (0, 10)), [([(0, 10)], "a")]),
    "frames inside": (found(LOST, (2, 3), (51, 60)), [([(2, 3), (51, 60)], "a")]),
    "a frame beyond": (found(LOST, (0, 11)), [([(0, 11)], None)]),
    "settled by two, and a new one": (
        found(LOST, (0, 10), (20, 30), (150, 160), (300, 301)),
        [([(0, 10)], "a"), ([(20, 30), (300, 301)], None), ([(150, 160)], "b")],
    ),
    "between two that were settled": (found(LOST, (5, 55)), [([(5, 55)], None)]),
    "another code": (found(FLASH, (0, 10)), [([(0, 10)], None)]),
    "other words, but the same frames": (found(LOST, (0, 10), detail="y"), [([(0, 10)], "a")]),
    "the same words without frames": (found(FindingCode.LEVEL_CHANGED, detail="3 dB louder"), [([], "c")]),
    "other words without frames": (found(FindingCode.LEVEL_CHANGED, detail="6 dB louder"), [([], None)]),
}


@pytest.mark.parametrize("name", CASES)
def test_what_was_settled_stays_so_where_the_same_code_covers_the_same_frames(name: str) -> None:
    finding, parts = CASES[name]
    carried = [([(one.start, one.end) for one in part.frames], origin) for part, origin in carry([finding], SETTLED)]
    assert carried == parts


def test_findings_that_ask_to_be_looked_at_are_issues() -> None:
    assert {code for code in FindingCode if severity_of(code) == "issue"} == {"mouth_doubtful", "sync_lost"}


def test_each_right_of_a_guest_includes_those_before_it() -> None:
    assert [[one.includes(other) for other in GuestRight] for one in GuestRight] == [
        [True, False, False], [True, True, False], [True, True, True],
    ]  # fmt: skip
