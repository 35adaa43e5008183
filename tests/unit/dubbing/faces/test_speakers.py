from fractions import Fraction

import numpy as np
import pytest

from dubbing.faces.speakers import Presence, turns

FPS = Fraction(10)

# Each case: faces as (first frame, areas over consecutive frames), and who is dubbed from where to where.
Spans = list[tuple[int, list[tuple[int, float]]]]
CASES: dict[str, tuple[Spans, list[tuple[int, int, int]]]] = {
    "alone": ([(3, [(20, 9.0)])], [(0, 3, 23)]),
    "nobody": ([], []),
    "the larger one": ([(0, [(40, 4.0)]), (0, [(40, 9.0)])], [(1, 0, 40)]),
    "the smaller one while alone": ([(0, [(40, 4.0)]), (15, [(10, 9.0)])], [(0, 0, 40)]),
    "the smaller one before and after a larger one's long visit": (
        [(0, [(60, 4.0)]), (15, [(25, 9.0)])],
        [(0, 0, 25), (1, 25, 40), (0, 40, 60)],
    ),
    "one after the other": ([(0, [(20, 4.0)]), (20, [(20, 9.0)])], [(0, 0, 20), (1, 20, 40)]),
    "the speaker leaves": ([(0, [(20, 9.0)]), (5, [(30, 4.0)])], [(0, 0, 20), (1, 20, 35)]),
    "who comes up is dubbed after a second of clear difference": (
        [(0, [(50, 6.0)]), (0, [(20, 4.0), (30, 9.0)])],
        [(0, 0, 30), (1, 30, 50)],
    ),
    "who is hardly larger is not": ([(0, [(50, 6.0)]), (0, [(20, 4.0), (30, 7.5)])], [(0, 0, 50)]),
    "two who take turns within a second": (
        [(0, [(50, 6.0)]), (0, [(20, 4.0), (9, 9.0), (1, 6.0), (9, 9.0), (11, 4.0)])],
        [(0, 0, 50)],
    ),
    "a gap without anybody": ([(0, [(10, 6.0)]), (20, [(10, 6.0)])], [(0, 0, 10), (1, 20, 30)]),
    "larger at first, but seen for a moment only": ([(0, [(3, 9.0)]), (0, [(40, 5.0)])], [(1, 0, 40)]),
}


@pytest.mark.parametrize("name", CASES)
def test_one_face_at_a_time_is_dubbed_and_the_speaker_changes_with_reason(name: str) -> None:
    spans, expected = CASES[name]
    faces = [Presence(start, np.concatenate([np.full(n, area) for n, area in runs])) for start, runs in spans]
    assert [(turn.face, turn.frames.start, turn.frames.end) for turn in turns(faces, FPS)] == expected


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(30_000, 1001), Fraction(50)])
def test_the_speaker_changes_after_a_second_at_any_rate(fps: Fraction) -> None:
    second = round(fps)
    faces = [Presence(0, np.full(4 * second, 4.0)), Presence(0, np.repeat([3.0, 8.0], 2 * second))]
    first, then = turns(faces, fps)
    assert (first.face, then.face) == (0, 1)
    assert then.frames.start == 3 * second
