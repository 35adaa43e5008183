from dataclasses import replace

import pytest

from dubbing.domain.faces import FaceTrack
from dubbing.domain.findings import Finding
from dubbing.errors import FaceUpsideDown, NoFaceAnywhere
from dubbing.faces.skipped import SkippedFrames, refusal, skip_findings

NOTHING = SkippedFrames(
    frames=50,
    shots=1,
    seen=1,
    largest=40.0,
    longest=50,
    small=set(),
    short=set(),
    covered=set(),
    cut_off=set(),
    upside_down=set(),
    flashes=set(),
    crowded=set(),
)


def spans(found: Finding) -> list[tuple[int, int]]:
    return [(part.start, part.end) for part in found.frames]


def track(start: int, end: int, *, missing: tuple[int, ...] = (), shot: int = 0) -> FaceTrack:
    return FaceTrack(index=0, shot=shot, start=start, end=end, missing=missing, size=40)


WHOLE = track(0, 50, missing=tuple(range(20, 30)))


@pytest.mark.parametrize(
    ("reason", "code", "words"),
    [
        ("flashes", "flash", "flash"),
        ("short", "shot_too_short", "fewer than"),
        ("upside_down", "face_upside_down", "on its head"),
        ("covered", "mouth_covered", "covers the mouth"),
        ("cut_off", "mouth_cut_off", "picture's edge"),
        ("small", "face_too_small", "pixels apart"),
    ],
)
def test_frames_are_told_under_their_reason_with_their_range(reason: str, code: str, words: str) -> None:
    passing = replace(NOTHING, **{reason: set(range(20, 30))})
    (found,) = skip_findings(passing, [WHOLE])
    assert (found.code, spans(found)) == (code, [(20, 30)])
    assert words in found.detail
    assert "10" in found.detail
    assert "pass through unchanged" in found.detail


def test_frames_without_a_reason_show_no_face() -> None:
    (found,) = skip_findings(NOTHING, [WHOLE])
    assert (found.code, spans(found)) == ("face_lost", [(20, 30)])


def test_a_flash_where_nobody_is_dubbed_is_no_reason() -> None:
    (found,) = skip_findings(replace(NOTHING, flashes={10}), [track(20, 50)])
    assert (found.code, spans(found)) == ("face_lost", [(0, 20)])


def test_each_frame_is_told_once() -> None:
    everything = set(range(50))
    passing = replace(
        NOTHING,
        flashes={20},
        short={20, 21},
        upside_down={20, 21, 22},
        cut_off={23, 24},
        covered=set(range(20, 27)),
        small=everything,
    )
    findings = list(skip_findings(passing, [WHOLE]))
    assert [(f.code, spans(f)) for f in findings] == [
        ("flash", [(20, 21)]),
        ("shot_too_short", [(21, 22)]),
        ("face_upside_down", [(22, 23)]),
        ("mouth_cut_off", [(23, 25)]),
        ("mouth_covered", [(25, 27)]),
        ("face_too_small", [(27, 30)]),
    ]


def test_what_is_dubbed_is_not_told_whatever_else_is_there() -> None:
    everything = set(range(50))
    passing = replace(NOTHING, small=everything, covered=everything, flashes=everything)
    assert list(skip_findings(passing, [track(0, 50)])) == []


@pytest.mark.parametrize(
    ("tracks", "words"),
    [
        ([track(0, 50)], "the most prominent one is dubbed."),
        ([track(0, 20), track(20, 50)], "changes once."),
        ([track(0, 20), track(20, 30), track(30, 50)], "changes 2 times."),
        ([track(0, 20), track(20, 50, shot=1)], "the most prominent one is dubbed."),
    ],
)
def test_several_faces_are_told_with_the_number_of_changes(tracks: list[FaceTrack], words: str) -> None:
    (found,) = skip_findings(replace(NOTHING, crowded=set(range(5, 25))), tracks)
    assert (found.code, spans(found)) == ("speaker_ambiguous", [(5, 25)])
    assert "20 frames" in found.detail
    assert words in found.detail


def test_a_title_on_its_head_is_refused_with_the_advice_to_turn_it() -> None:
    error = refusal(replace(NOTHING, upside_down=set(range(3, 50)), covered={1}))
    assert isinstance(error, FaceUpsideDown)
    assert error.code == "face_upside_down"
    assert error.where["frame"] == 3
    assert error.where["pointer"] == "/video"
    assert "Turn the picture by 180 degrees" in error.suggestions[0]


@pytest.mark.parametrize(
    ("passing", "words"),
    [
        (replace(NOTHING, covered=set(range(40))), "the mouth is covered, or cannot be made out, in 40 frames"),
        (replace(NOTHING, short={1, 2}), "2 frames are in shots of fewer than"),
        (replace(NOTHING, seen=0, largest=0.0, longest=0), "no candidate was seen"),
        (replace(NOTHING, largest=9.5), "largest seen 9.5 pixels"),
        (replace(NOTHING, upside_down=set(range(3)), covered=set(range(40))), "40 frames"),
    ],
)
def test_a_title_without_a_face_to_dub_is_refused_by_its_commonest_reason(passing: SkippedFrames, words: str) -> None:
    error = refusal(passing)
    assert isinstance(error, NoFaceAnywhere)
    assert words in error.detail
    assert error.suggestions
