"""Painted mouths in the hues of the face that was filmed, on drawn speakers of whom the true mouth is known."""

from typing import Any, NamedTuple

import cv2
import numpy as np
import pytest
from drawn import CLOSED, Aligned, Picture, aligned, speaker
from places import LANDMARKER

from dubbing.faces.align import extract_crop
from dubbing.faces.composite import Compositor
from dubbing.faces.detector import MediaPipeDetector
from dubbing.faces.hues import hues_of
from dubbing.faces.outline import LIPS, limit
from dubbing.faces.transfer import TransferCurve
from synthetic.shape import Mouth

SIDE = 128
SPEAKERS = (3, 6, 8)
TONGUE_OUT = Mouth(open=0.8, tongue=0.9, lift=0.4)
# What coloured lights make of R, G and B.
LIGHTS = {"as drawn": (1, 1, 1), "blue": (0.25, 0.5, 1), "green": (0.6, 1, 0.55), "candle": (1, 0.7, 0.4)}
LIGHT = TransferCurve(None)


class Drawn(NamedTuple):
    """A face that was filmed with its mouth shut, the same with the mouth open, and where the lips of the latter are."""

    face: Aligned
    true: Picture
    mouth: Any


@pytest.fixture(scope="module")
def drawn() -> dict[int, Drawn]:
    with MediaPipeDetector(LANDMARKER) as detector:
        return {who: _drawn(who, detector) for who in SPEAKERS}


def _drawn(who: int, detector: MediaPipeDetector) -> Drawn:
    one = speaker(who)
    face = aligned(detector, one.draw(one.pose(), CLOSED), SIDE)
    opened = np.asarray(extract_crop(one.draw(one.pose(), TONGUE_OUT), face.matrix, SIDE), np.uint8)
    plane = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillConvexPoly(plane, cv2.convexHull(face.outline[LIPS].astype(np.float32)).round().astype(np.int32), 1)
    return Drawn(face, opened, cv2.dilate(plane, np.ones((9, 9))) > 0)


def pasted(one: Drawn, made: Picture, filmed: Any = None, *, hues: bool = True, transfer: str | None = None) -> Any:
    """The crop with a generated mouth."""
    filmed = one.face.crop if filmed is None else filmed
    compositor, size = Compositor(SIDE, transfer), (SIDE, SIDE)
    inside = limit(one.face.outline, (one.face.outline,), SIDE)
    patch = compositor.patch(np.eye(2, 3), filmed, made, inside, one.face.outline if hues else None)
    box = patch.box(size)
    assert box is not None
    result = filmed.copy()
    compositor.lay(result[box.top : box.bottom, box.left : box.right], patch, box)
    return result


def lab(picture: Any) -> Any:
    return cv2.cvtColor(picture.astype(np.float32) / np.iinfo(picture.dtype).max, cv2.COLOR_RGB2LAB)


def apart(one: Any, other: Any, where: Any) -> Any:
    """Colour differences, CIE 1976."""
    return np.sqrt(((lab(one) - lab(other)) ** 2).sum(axis=2))[where]


def with_violet(one: Drawn) -> tuple[Picture, Any]:
    """The true mouth with a piece in the violet that the demonstration's student paints, and where it is."""
    x, y = one.face.outline[LIPS].mean(axis=0).round().astype(int)
    there = cv2.ellipse(np.zeros((SIDE, SIDE), np.uint8), (int(x), int(y)), (13, 6), 0, 0, 360, 1, -1)
    made = one.true.copy()
    made[there > 0] = (84, 42, 68)
    return made, cv2.erode(there, np.ones((5, 5))) > 0


def violet(picture: Any, where: Any) -> float:
    """How violet a piece is: by how much, in code values of 8 bit, blue is more than green."""
    _, green, blue = picture[where].astype(float).mean(axis=0) / np.iinfo(picture.dtype).max * 255
    return float(blue - green)


KINDS = [
    *(pytest.param(who, None, np.uint8, id=f"speaker {who}") for who in SPEAKERS),
    pytest.param(3, "smpte2084", np.uint16, id="PQ, 16 bit"),
    pytest.param(3, "arib-std-b67", np.uint16, id="HLG, 16 bit"),
]


@pytest.mark.parametrize(("who", "transfer", "kind"), KINDS)
def test_a_violet_piece_gets_a_hue_that_the_face_has(
    drawn: dict[int, Drawn], who: int, transfer: str | None, kind: Any
) -> None:
    made, there = with_violet(drawn[who])
    filmed = drawn[who].face.crop.astype(kind) * (np.iinfo(kind).max // 255)
    before, after = (pasted(drawn[who], made, filmed, hues=hues, transfer=transfer) for hues in (False, True))
    assert violet(before, there) > 15
    assert violet(after, there) < 3
    assert np.abs(lab(after) - lab(before))[there][:, 0].mean() < 2  # lightness is what it was
    assert apart(after, before, ~drawn[who].mouth).max() < 6


@pytest.mark.parametrize("light", LIGHTS)
def test_tongue_teeth_and_lips_keep_their_colours(drawn: dict[int, Drawn], light: str) -> None:
    for one in drawn.values():
        filmed, made = (LIGHT.encode(LIGHT.decode(p) * np.float32(LIGHTS[light]), np.uint8) for p in (one.face.crop, one.true))
        before, after = (pasted(one, made, filmed, hues=hues) for hues in (False, True))
        change = apart(after, before, one.mouth)
        assert change.mean() < 1
        assert np.percentile(change, 95) < 4


def test_what_is_as_it_was_filmed_stays(drawn: dict[int, Drawn]) -> None:
    """Rouge, spots and the like: their hues are too rare to be the face's, but nobody painted them."""
    one = drawn[6]
    filmed = cv2.circle(one.face.crop.copy(), tuple(one.face.outline[LIPS].min(axis=0).astype(int) + 2), 3, (120, 70, 140), -1)
    assert apart(pasted(one, filmed, filmed), filmed, one.mouth).max() < 1


def test_a_black_and_white_picture_has_no_hues(drawn: dict[int, Drawn]) -> None:
    one = drawn[6]
    grey = cv2.merge([cv2.cvtColor(one.face.crop, cv2.COLOR_RGB2GRAY)] * 3)
    inside = limit(one.face.outline, (one.face.outline,), SIDE)
    faded = cv2.addWeighted(one.face.crop, 0.15, grey, 0.85, 0)
    for filmed in (grey, faded):
        assert hues_of(LIGHT.decode(filmed), one.face.outline, inside) is None
    assert hues_of(LIGHT.decode(one.face.crop), one.face.outline, inside) is not None
    assert hues_of(LIGHT.decode(one.face.crop), one.face.outline, np.zeros_like(inside)) is None
    np.testing.assert_array_equal(pasted(one, one.true, grey), pasted(one, one.true, grey, hues=False))


def test_no_hue_turns_suddenly_into_another(drawn: dict[int, Drawn]) -> None:
    one = drawn[6]
    hues = hues_of(LIGHT.decode(one.face.crop), one.face.outline, limit(one.face.outline, (one.face.outline,), SIDE))
    assert hues is not None
    turn = np.linspace(0, 2 * np.pi, 720, dtype=np.float32)[None]
    red, blue = 0.5 + 0.1 * np.cos(turn), 0.5 + 0.1 * np.sin(turn)
    green = (0.5 - 0.2126 * red - 0.0722 * blue) / 0.7152
    wheel = np.stack([red, green, blue], axis=-1) ** 2
    turned = hues.turned(wheel, np.ones_like(turn))
    assert np.abs(np.diff(turned, axis=1)).max() < 0.02
    kept = hues.turned(wheel, np.zeros_like(turn))
    np.testing.assert_array_equal(kept, wheel)
