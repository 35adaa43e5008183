"""The aligned crop: from three points of a face to an affine transform, and from frame to crop.

The published student sees faces whose brows and nose lie at fixed places of a 420 x 560 picture that is then stretched to a
square (template and fit: paper's preprocessing, as LatentSync-style aligners do it). Both steps are folded into one affine
matrix, kept in float64 and never rounded, so that the crop is resampled once and its inverse is known exactly.

Matrices are float64 [2, 3] and map (x, y, 1) of the frame to (x, y) of the crop, in pixel-centre coordinates: the centre of
the top left pixel is (0, 0). V stands for frames.
"""

from typing import Any, Final, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

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
TEMPLATE_EYES: Final = 158.0  # distance between the eyes of a face that the template fits


class Pose(NamedTuple):
    """The similarities from frames to the template: where brows and nose have their centre, and their scale and roll.

    Attributes:
        centre: float64 [V, 2], pixels of the frame.
        log_scale: float64 [V], logarithm of template pixels for one of the frame.
        angle: float64 [V], radians.
    """

    centre: Points
    log_scale: NDArray[np.float64]
    angle: NDArray[np.float64]

    @property
    def eyes(self) -> NDArray[np.float64]:
        """The distance between the eyes in pixels of the frame, float64 [V]."""
        return TEMPLATE_EYES * np.exp(-self.log_scale)

    def similarities(self) -> Matrix:
        """Frame to template, float64 [V, 2, 3]."""
        scale = np.exp(self.log_scale)
        cosine, sine = scale * np.cos(self.angle), scale * np.sin(self.angle)
        linear = np.stack([np.stack([cosine, -sine], axis=-1), np.stack([sine, cosine], axis=-1)], axis=-2)
        shift = TEMPLATE.mean(axis=0) - np.einsum("vij,vj->vi", linear, self.centre)
        return np.concatenate([linear, shift[..., None]], axis=-1)

    def transforms(self, size: int) -> Matrix:
        """Frame to the ``size`` x ``size`` crop, float64 [V, 2, 3]."""
        # To the square: pixel edges, not pixel centres, are what a resize keeps in place.
        stretch = size / np.array([TEMPLATE_WIDTH, TEMPLATE_HEIGHT])
        matrices = self.similarities()
        matrices[..., 2] = (matrices[..., 2] + 0.5) * stretch - 0.5
        matrices[..., :2] *= stretch[:, None]
        return matrices


def crop_transform(anchors: Points, size: int) -> Matrix:
    """The transform from the frame to the ``size`` x ``size`` crop for one face.

    Args:
        anchors: float64 [3, 2], left brow, right brow and nose in the frame.
        size: side of the square crop in pixels.

    Returns:
        float64 [2, 3], frame to crop.
    """
    return np.asarray(pose_of(anchors[None]).transforms(size)[0])


def crop_transforms(anchors: Points, size: int) -> Matrix:
    """The transforms of one track, each frame by itself (`dubbing.faces.stabilise` is what makes a track steady).

    Args:
        anchors: float64 [V, 3, 2].
        size: side of the square crop in pixels.

    Returns:
        float64 [V, 2, 3], frame to crop.
    """
    return pose_of(anchors).transforms(size)


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
    part, to_part = _part(frame, to_frame, (size, size), block)
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


def preview_crop(frame: Frame, matrix: Matrix, size: tuple[int, int]) -> Picture:
    """Like `extract_crop`, for looking at: at most 1.5 samples lie between two that are taken, so a little may alias.

    A quarter of the samples, and landmarks found in them tremble no more.

    Args:
        frame: as for `extract_crop`.
        matrix: float64 [2, 3], frame to picture.
        size: width and height of the picture.
    """
    to_frame = invert(matrix)
    block = max(1, round(float(np.hypot(*to_frame[:, :2]).min())))
    part, to_part = _part(frame, to_frame, size, block)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(part, to_part, size, flags=how, borderMode=cv2.BORDER_REPLICATE))


def footprint(to_frame: Matrix, size: tuple[int, int]) -> NDArray[np.float64]:
    """Bounding box in the frame of a picture's edges: left, top, right, bottom in pixel-centre coordinates, float64 [4]."""
    width, height = size
    corners = np.array([(x, y, 1.0) for x in (-0.5, width - 0.5) for y in (-0.5, height - 0.5)]) @ to_frame.T
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])


def size_of(frame: Frame) -> tuple[int, int]:
    """Width and height of a frame."""
    return (frame.shape[1], frame.shape[0]) if isinstance(frame, np.ndarray) else frame.size


def _part(frame: Frame, to_frame: Matrix, size: tuple[int, int], block: int) -> tuple[Picture, Matrix]:
    """The part of the frame under a picture, averaged over block x block pixels, and the transform into that picture."""
    width, height = size_of(frame)
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


def pose_of(anchors: Points) -> Pose:
    """The poses of faces with these brows and noses, float64 [V, 3, 2].

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
    return Pose(centre, np.log(scale), np.arctan2(cross, dot))
