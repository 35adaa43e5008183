from fractions import Fraction

import pytest

from dubbing.domain.timecode import clock, from_timecode, to_timecode
from dubbing.errors import BadInput

NTSC = Fraction(30_000, 1001)


def test_plain_time_code_counts_frames() -> None:
    assert to_timecode(90_061, Fraction(25)) == "01:00:02:11"
    assert to_timecode(24, Fraction(24_000, 1001)) == "00:00:01:00"


@pytest.mark.parametrize(
    ("frame", "text"), [(1799, "00:00:59;29"), (1800, "00:01:00;02"), (17982, "00:10:00;00"), (107892, "01:00:00;00")]
)
def test_drop_frame_leaves_out_numbers_and_no_frames(frame: int, text: str) -> None:
    assert to_timecode(frame, NTSC, drop=True) == text
    assert from_timecode(text, NTSC) == frame


@pytest.mark.parametrize("fps", [NTSC, Fraction(60_000, 1001)])
def test_every_drop_frame_number_comes_back(fps: Fraction) -> None:
    for frame in range(0, 40_000, 7):
        assert from_timecode(to_timecode(frame, fps, drop=True), fps) == frame
        assert from_timecode(to_timecode(frame, fps), fps) == frame


@pytest.mark.parametrize("text", ["1:2:3", "00:00:61:00", "00:00:00:30", "00:01:00;00", "a:b:c:d"])
def test_what_is_no_time_code_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        from_timecode(text, NTSC)


def test_drop_frame_needs_its_rate() -> None:
    with pytest.raises(BadInput):
        to_timecode(0, Fraction(25), drop=True)


def test_wall_clock() -> None:
    assert clock(Fraction(3_725_0006, 10_000)) == "62:05.001"
