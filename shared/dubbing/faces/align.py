"""The aligned crop: from three points of a face to an affine transform, and from frame to crop.

The published student sees faces whose brows and nose lie at fixed places of a 420 x 560 picture that is then stretched to a
square (template and fit: paper's preprocessing, as LatentSync-style aligners do it). Both steps are folded into one affine
matrix, kept in float64 and never rounded, so that the crop is resampled once and its inverse is known exactly.

Matrices are float64 [2, 3] and map (x, y, 1) of the frame to (x, y) of the crop, in pixel-centre coordinates: the centre of
the top left pixel is (0, 0). V stands for frames.
"""

from typing import Any, Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.signal import savgol_filter

from dubbing.domain.media import Box

Matrix = NDArray[np.float64]
Points = NDArray[np.float64]
Picture = NDArray[Any]  # uint8 or uint16 [H, W, 3]


class View(Protocol):
    """A frame that can show a part of itself, so that nobody converts what nobody looks at."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        ...

    def rgb(self) -> Picture:
        """All of it, uint8 [H, W, 3]."""
        ...

    def region(self, box: Box, block: int = 1) -> Picture:
        """A part, uint8 [h, w, 3], averaged over block x block pixels; its last row and column repeat to whole blocks."""
        ...


Frame = Picture | View

TEMPLATE_WIDTH: Final = 420
TEMPLATE_HEIGHT: Final = 560
# Left brow, right brow, nose in the 420 x 560 picture.
TEMPLATE: Final = np.array([[17.0, 20.0], [58.0, 20.0], [37.5, 40.0]]) * 5.6

# Frames that the smoothing of a track looks at: the face's place moves fast, its size and roll slowly.
_PLACE_WINDOW: Final = 7
_SHAPE_WINDOW: Final = 15


def crop_transform(anchors: Points, size: int) -> Matrix:
    """The transform from the frame to the ``size`` x ``size`` crop for one face.

    Args:
        anchors: float64 [3, 2], left brow, right brow and nose in the frame.
        size: side of the square crop in pixels.

    Returns:
        float64 [2, 3], frame to crop.
    """
    return np.asarray(_matrices(*_pose(anchors[None]), size)[0])


def crop_transforms(anchors: Points, size: int) -> Matrix:
    """The transforms of one track, steadied over time without lag.

    Landmarks tremble by a fraction of a pixel, and a crop that trembles makes a mouth that does. Place, size and roll are
    smoothed by local quadratic fits centred on each frame (Savitzky and Golay, 1964), which follow motion at constant
    acceleration exactly.

    Args:
        anchors: float64 [V, 3, 2], of V >= 1 consecutive frames of one track.
        size: side of the square crop in pixels.

    Returns:
        float64 [V, 2, 3], frame to crop.
    """
    centre, log_scale, angle = _pose(anchors)
    return _matrices(
        _steady(centre, _PLACE_WINDOW), _steady(log_scale, _SHAPE_WINDOW), _steady(np.unwrap(angle), _SHAPE_WINDOW), size
    )


def invert(matrix: Matrix) -> Matrix:
    """The transform from crop to frame, exactly the inverse of ``matrix`` (float64 [2, 3])."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def extract_crop(frame: Frame, matrix: Matrix, size: int) -> Picture:
    """Resamples the face once, without aliasing, into its aligned crop.

    Where the crop is smaller than its area in the frame, the frame is first averaged over whole blocks of pixels, then each
    crop pixel over a grid of samples; beyond the frame's border its outermost pixels repeat.

    Args:
        frame: uint8 or uint16 [H, W, 3] RGB, or a frame that shows parts of itself.
        matrix: float64 [2, 3], frame to crop.
        size: side of the crop.

    Returns:
        [size, size, 3] of the frame's type.
    """
    to_frame = invert(matrix)
    steps = np.hypot(*to_frame[:, :2]) - 1e-9
    block = max(1, int(steps.min()))
    part, to_part = _part(frame, to_frame, size, block)
    across, down = (int(n) for n in np.ceil(steps / block))
    fine = np.column_stack([to_part[:, 0] / across, to_part[:, 1] / down, to_part @ [_offset(across), _offset(down), 1.0]])
    samples = cv2.warpAffine(
        part,
        fine,
        (size * across, size * down),
        flags=(cv2.INTER_CUBIC if across == down == 1 else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return samples if across == down == 1 else cv2.resize(samples, (size, size), interpolation=cv2.INTER_AREA)


def glance(frame: Frame, matrix: Matrix, size: int) -> Picture:
    """Like `extract_crop`, for looking at: at most 1.5 samples lie between two that are taken, so a little may alias.

    A quarter of the samples, and landmarks found in them tremble no more.
    """
    to_frame = invert(matrix)
    block = max(1, round(float(np.hypot(*to_frame[:, :2]).min())))
    part, to_part = _part(frame, to_frame, size, block)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(part, to_part, (size, size), flags=how, borderMode=cv2.BORDER_REPLICATE))


def footprint(to_frame: Matrix, size: int) -> NDArray[np.float64]:
    """Bounding box of the crop's edges in the frame: left, top, right, bottom in pixel-centre coordinates, float64 [4]."""
    ends = np.array([-0.5, size - 0.5])
    corners = np.array([(x, y, 1.0) for x in ends for y in ends]) @ to_frame.T
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])


def _part(frame: Frame, to_frame: Matrix, size: int, block: int) -> tuple[Picture, Matrix]:
    """The part of the frame under the crop, averaged over block x block pixels, and the transform into that picture."""
    width, height = frame.shape[1::-1] if isinstance(frame, np.ndarray) else frame.size
    left, top, right, bottom = footprint(to_frame, size) + np.array([-2, -2, 3, 3]) * block
    x0, y0 = (int(np.clip(low, 0, end - 1)) for low, end in ((left, width), (top, height)))
    box = Box(x0, y0, int(np.clip(right, x0 + 1, width)), int(np.clip(bottom, y0 + 1, height)))
    small = averaged(_cut(frame, box), block) if isinstance(frame, np.ndarray) else frame.region(box, block)
    moved = to_frame / block
    moved[:, 2] += _offset(block) - np.array([x0, y0]) / block
    return small, moved


def _cut(frame: Picture, box: Box) -> Picture:
    return frame[box.top : box.bottom, box.left : box.right]


def averaged(picture: Picture, block: int) -> Picture:
    """The mean of every block x block pixels; the last row and column repeat to whole blocks."""
    if block == 1:
        return picture
    height, width = picture.shape[:2]
    whole = cv2.copyMakeBorder(picture, 0, -height % block, 0, -width % block, cv2.BORDER_REPLICATE)
    return cv2.resize(whole, (whole.shape[1] // block, whole.shape[0] // block), interpolation=cv2.INTER_AREA)


def _offset(steps: int) -> float:
    """Where the first of ``steps`` equal parts of a pixel has its centre, in pixels from the whole one's."""
    return 0.5 / steps - 0.5


def _pose(anchors: Points) -> tuple[Points, NDArray[np.float64], NDArray[np.float64]]:
    """Centre [V, 2], log scale [V] and roll [V] of the similarity from the frame to the template.

    The scale is the ratio of the standard deviations over both coordinates, the rotation is the orthogonal Procrustes
    solution, and centroid goes to centroid.
    """
    centre = anchors.mean(axis=1)
    source = anchors - centre[:, None]
    target = TEMPLATE - TEMPLATE.mean(axis=0)
    scale = target.std(ddof=1) / source.reshape(len(source), -1).std(axis=1, ddof=1)
    # In two dimensions the Procrustes rotation is the direction of the sum of conj(source) * target as complex numbers.
    cross = (source[..., 0] * target[:, 1] - source[..., 1] * target[:, 0]).sum(axis=1)
    dot = (source * target).sum(axis=(1, 2))
    return centre, np.log(scale), np.arctan2(cross, dot)


def _matrices(centre: Points, log_scale: NDArray[np.float64], angle: NDArray[np.float64], size: int) -> Matrix:
    scale = np.exp(log_scale)
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.stack([np.stack([cosine, -sine], axis=-1), np.stack([sine, cosine], axis=-1)], axis=-2)
    shift = TEMPLATE.mean(axis=0) - np.einsum("vij,vj->vi", linear, centre)
    # To the square: pixel edges, not pixel centres, are what a resize keeps in place.
    stretch = size / np.array([TEMPLATE_WIDTH, TEMPLATE_HEIGHT])
    return np.concatenate([linear * stretch[:, None], ((shift + 0.5) * stretch - 0.5)[..., None]], axis=-1)


def _steady(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    odd = min(window, len(values) - 1 + len(values) % 2)
    return values if odd <= 3 else np.asarray(savgol_filter(values, odd, 2, axis=0, mode="interp"))
