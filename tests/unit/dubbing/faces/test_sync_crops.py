import cv2
import numpy as np
import pytest
from scipy.signal import medfilt

from dubbing.domain.media import Box
from dubbing.faces.align import TEMPLATE
from dubbing.faces.sync_crops import FaceBoxes, sync_crop


class Shown:
    """A picture that shows parts of itself."""

    def __init__(self, picture: np.ndarray) -> None:
        self.picture = picture
        self.size = (picture.shape[1], picture.shape[0])

    def rgb(self) -> np.ndarray:
        return self.picture

    def region(self, box: Box, block: int = 1) -> np.ndarray:
        assert block == 1
        return self.picture[box.top : box.bottom, box.left : box.right]


def published(picture: np.ndarray, x: float, y: float, s: float) -> np.ndarray:
    """The crop as the authors of SyncNet describe it: pad with 110, cut, resize."""
    pad = int(s * 1.8)
    padded = np.pad(picture, ((pad, pad), (pad, pad), (0, 0)), constant_values=110)
    x, y = x + pad, y + pad
    face = padded[int(y - s) : int(y + s * 1.8), int(x - s * 1.4) : int(x + s * 1.4)]
    return cv2.resize(face, (224, 224))


@pytest.mark.parametrize(
    ("x", "y", "half"), [(160.3, 110.7, 60.4), (20.2, 15.9, 70.0), (310.0, 230.0, 55.5), (150.0, 120.0, 200.0)]
)
def test_a_crop_is_the_published_one_wherever_the_face_is(x: float, y: float, half: float) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (240, 320, 3), np.uint8)
    np.testing.assert_array_equal(sync_crop(Shown(picture), x, y, half), published(picture, x, y, half))


@pytest.mark.parametrize(("scale", "roll"), [(1.0, 0.0), (0.5, 0.3), (2.5, -0.2)])
def test_a_box_keeps_its_place_in_the_face_whatever_its_size_and_roll(scale: float, roll: float) -> None:
    turn = scale * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    anchors = TEMPLATE @ turn.T + [300, 200]
    boxes = FaceBoxes.of(anchors[None])
    centre = np.array([210.0, 218.0]) @ turn.T + [300, 200]
    assert (boxes.x_V[0], boxes.y_V[0]) == pytest.approx(tuple(centre), abs=1e-6)
    assert boxes.half_V[0] == pytest.approx(259 * scale)
    assert boxes.side == pytest.approx(518 * scale)


def test_boxes_are_smoothed_by_a_median_of_13() -> None:
    rng = np.random.default_rng(2)
    boxes = FaceBoxes(*(rng.random(40) * 50 + 100 for _ in range(3)))
    for smooth, raw in zip(boxes.smoothed(), boxes, strict=True):
        np.testing.assert_array_equal(smooth, medfilt(raw, 13))
