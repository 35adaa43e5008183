"""Finding faces and their landmarks: the interface, and MediaPipe's FaceLandmarker behind it.

The landmarker sees faces from about a tenth of the picture's width upwards, so a search also looks into overlapping tiles. A
face that is known is followed in a small upright picture cut out around it, where its landmarks are as fine as the footage
allows whatever the size of the frame, and at a cost that does not depend on it. A search beside known faces first asks the
landmarker's own face detector, an eighth of its work, whether there are any others. Nothing is kept between calls: the same
frames give the same landmarks, and there is no temporal filter that could lag behind the picture.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from dubbing.domain.media import Box
from dubbing.faces import landmarks as marks
from dubbing.faces.align import Frame, Matrix, Picture, averaged, invert, preview_crop
from dubbing.faces.appearance import appearance_of
from dubbing.faces.bundles import closed_at_exit, image, mediapipe, verified
from dubbing.faces.mouth_occlusion import doubt

# Apache-2.0; the float16/1 file that Google publishes.
MODEL_SHA256: Final = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"

_INNER_DETECTOR: Final = "face_detector.tflite"  # in the landmarker's bundle
_SEARCH_SIDE: Final = 512  # the search's pictures are shrunk to this; the network behind it sees 128
_ROI_SIDE: Final = 384
_ROI_FACES: Final = 2.5  # side of the followed region in faces: where the landmarks tremble least
_MAX_FACES: Final = 8
_SAME: Final = 0.3  # overlap from which on two faces are one
# By how much a face must look more like one when it is turned round, to stand on its head: upright ones look 0.01 more so at
# most, and those on their heads 0.19 at least.
_TURNED: Final = 0.1
# Of the followed region's own pixels: turned round, and mirrored.
_HALF_TURN: Final = np.array([[-1.0, 0.0, _ROI_SIDE - 1], [0.0, -1.0, _ROI_SIDE - 1]])
_MIRROR: Final = np.array([[-1.0, 0.0, _ROI_SIDE - 1], [0.0, 1.0, 0.0]])

Corners = NDArray[np.float64]  # left, top, right, bottom


@dataclass(frozen=True, eq=False)
class Face:
    """One face in one frame.

    Attributes:
        landmarks: float64 [478, 2] (`dubbing.faces.landmarks`).
        appearance: what it looks like (`dubbing.faces.appearance`), or None from a detector that does not say.
        doubt: how far its mouth is guessed (`dubbing.faces.mouth_occlusion`), where that was asked.
    """

    landmarks: marks.Points
    appearance: Picture | None = None
    doubt: float | None = None

    @cached_property
    def box(self) -> Corners:
        """Left, top, right, bottom, float64 [4]."""
        return marks.bounding_box(self.landmarks)

    def overlap(self, other: "Face") -> float:
        """Intersection over union of the two boxes."""
        return iou(self.box, other.box)


class FaceDetector(Protocol):
    """Finds faces in single frames, which are uint8 or uint16 [H, W, 3] RGB or show parts of themselves."""

    def find(self, frame: Frame, *, deep: bool = False, known: Sequence[Face] = ()) -> list[Face]:
        """Faces of the frame but the known ones, largest first; ``deep`` looks for small ones, slowly, if there are none."""
        ...

    def follow(self, frame: Frame, faces: Sequence[Face], *, doubting: bool = False) -> list[Face | None]:
        """Where each of the previous frame's faces is now, None where it is not seen; with its doubt if that is asked."""
        ...

    def close(self) -> None:
        """Frees the detector."""
        ...


class MediaPipeDetector:
    """`FaceDetector` by MediaPipe's FaceLandmarker, one CPU thread.

    Args:
        model: path of ``face_landmarker.task``; its SHA-256 is checked.

    Raises:
        Permanent: the file is missing or is another one.
    """

    def __init__(self, model: Path) -> None:
        bundle = verified(model, MODEL_SHA256)
        tasks = mediapipe().tasks
        vision, base_options = tasks.vision, tasks.BaseOptions
        options = vision.FaceLandmarkerOptions(
            base_options=base_options(model_asset_buffer=bundle), running_mode=vision.RunningMode.IMAGE, num_faces=_MAX_FACES
        )
        self._landmarker: Any = closed_at_exit(vision.FaceLandmarker.create_from_options(options))
        with zipfile.ZipFile(io.BytesIO(bundle)) as parts:
            inner = base_options(model_asset_buffer=parts.read(_INNER_DETECTOR))
        finding = vision.FaceDetectorOptions(base_options=inner, running_mode=vision.RunningMode.IMAGE)
        self._finder: Any = closed_at_exit(vision.FaceDetector.create_from_options(finding))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Frees the detector."""
        self._landmarker.close()
        self._finder.close()

    def find(self, frame: Frame, *, deep: bool = False, known: Sequence[Face] = ()) -> list[Face]:
        """Faces of the frame but the known ones, largest first; ``deep`` looks for small ones, slowly, if there are none."""
        frame = eight_bit(frame) if isinstance(frame, np.ndarray) else frame
        if known and self._shows_only(known, frame):
            return []
        picture = frame if isinstance(frame, np.ndarray) else frame.rgb()
        coarse = self._search(picture, _tiles(picture))
        if deep and not coarse:
            coarse = self._search(picture, _small_tiles(picture))
        new = [face for face in distinct(coarse) if all(face.overlap(other) < _SAME for other in known)]
        fine = self.follow(frame, [self._righted(frame, face) for face in new])
        return distinct(face for face in fine if face is not None)

    def _righted(self, frame: Frame, face: Face) -> Face:
        """The face, or what it really is if it stands on its head: brows are then taken for a mouth."""
        matrix = around(face)
        turned = _after(_HALF_TURN, matrix)
        as_found, other = (eight_bit(preview_crop(frame, way, (_ROI_SIDE, _ROI_SIDE))) for way in (matrix, turned))
        if self._likely(other) <= self._likely(as_found) + _TURNED:
            return face
        return max(self._placed(other, turned), key=face.overlap, default=face)

    def _likely(self, picture: Picture) -> float:
        """How much of a face the finder takes the best one in ``picture`` for, 0 to 1."""
        found = self._finder.detect(image(np.ascontiguousarray(picture))).detections
        return max((float(one.categories[0].score) for one in found), default=0.0)

    def _shows_only(self, known: Sequence[Face], frame: Frame) -> bool:
        """Whether a search would see faces, and known ones alone."""
        width, height = frame.shape[1::-1] if isinstance(frame, np.ndarray) else frame.size
        block = max(1, min(width, height) // _SEARCH_SIDE)
        whole = Box(0, 0, width, height)
        small = averaged(frame, block) if isinstance(frame, np.ndarray) else frame.region(whole, block)
        boxes = [box * block for box in self._boxes(small)]
        return bool(boxes) and all(any(iou(box, face.box) > _SAME for face in known) for box in boxes)

    def _boxes(self, picture: Picture) -> Iterator[Corners]:
        for x, y, width, height in _tiles(picture):
            part = np.ascontiguousarray(picture[y : y + height, x : x + width])
            for found in self._finder.detect(image(part)).detections:
                box = found.bounding_box
                left, top = x + box.origin_x, y + box.origin_y
                yield np.array([left, top, left + box.width, top + box.height], np.float64)

    def _search(self, frame: Picture, tiles: Iterable[tuple[int, int, int, int]]) -> list[Face]:
        found: list[Face] = []
        for x, y, width, height in tiles:
            part = frame[y : y + height, x : x + width]
            shrink = min(1.0, _SEARCH_SIDE / max(width, height))
            if shrink < 1:
                part = cv2.resize(part, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
            scale = np.array([width / part.shape[1], height / part.shape[0]])
            found += [Face((points + 0.5) * scale - 0.5 + [x, y]) for points in self._landmarks(part)]
        return found

    def follow(self, frame: Frame, faces: Sequence[Face], *, doubting: bool = False) -> list[Face | None]:
        """Where each of the previous frame's faces is now, None where it is not seen; with its doubt if that is asked."""
        frame = eight_bit(frame) if isinstance(frame, np.ndarray) else frame
        return [self._follow(frame, face, doubting=doubting) for face in faces]

    def _follow(self, frame: Frame, face: Face, *, doubting: bool) -> Face | None:
        matrix = around(face)
        roi = preview_crop(frame, matrix, (_ROI_SIDE, _ROI_SIDE))
        best = max(self._placed(roi, matrix), key=face.overlap, default=None)
        if best is None or best.overlap(face) <= 0.2:
            return None
        return replace(best, doubt=self._doubt(roi, matrix, best)) if doubting else best

    def _placed(self, roi: Picture, matrix: Matrix) -> list[Face]:
        """The faces of a region, in the frame that ``matrix`` cut it from."""
        back = invert(matrix)
        return [Face(points @ back[:, :2].T + back[:, 2], appearance_of(roi, points)) for points in self._landmarks(roi)]

    def _doubt(self, roi: Picture, matrix: Matrix, face: Face) -> float | None:
        seen = self._placed(np.ascontiguousarray(roi[:, ::-1]), _after(_MIRROR, matrix))
        best = max(seen, key=face.overlap, default=None)
        return None if best is None else doubt(face.landmarks, best.landmarks)

    def _landmarks(self, picture: Picture) -> Iterator[marks.Points]:
        size = np.array([picture.shape[1], picture.shape[0]], np.float64)
        for face in self._landmarker.detect(image(np.ascontiguousarray(picture))).face_landmarks:
            # The landmarker counts from the picture's edge, we from the centre of its first pixel.
            yield np.array([(point.x, point.y) for point in face]) * size - 0.5


def iou(one: Corners, other: Corners) -> float:
    """Intersection over union of two boxes."""
    shared = np.prod(np.maximum(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0))
    both = np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - shared
    return float(shared / both) if both > 0 else 0.0


def distinct(faces: Iterable[Face]) -> list[Face]:
    """The faces without doubles, largest first."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda f: -float(np.prod(f.box[2:] - f.box[:2]))):
        if all(face.overlap(other) < _SAME for other in kept):
            kept.append(face)
    return kept


def eight_bit(frame: Picture) -> Picture:
    """A uint8 or uint16 picture as uint8."""
    return frame if frame.dtype == np.uint8 else (frame >> 8).astype(np.uint8)


def around(face: Face, side: int = _ROI_SIDE, faces: float = _ROI_FACES, lower: float = 0.0) -> Matrix:
    """From the frame to a square picture around a face, eyes level, float64 [2, 3].

    Args:
        face: the face.
        side: of the picture.
        faces: how many faces it is wide.
        lower: faces by which its middle lies below the face's.
    """
    eyes = face.landmarks[..., marks.RIGHT_EYE, :].mean(axis=0) - face.landmarks[..., marks.LEFT_EYE, :].mean(axis=0)
    angle = np.arctan2(eyes[1], eyes[0])
    low, high = face.box[:2], face.box[2:]
    size = max(float((high - low).max()), 1.0)
    scale = side / (faces * size)
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[cosine, sine], [-sine, cosine]])
    down = lower * size * np.array([-np.sin(angle), np.cos(angle)])
    return np.column_stack([linear, (side - 1) / 2 - linear @ ((low + high) / 2 + down)])


def _after(second: Matrix, first: Matrix) -> Matrix:
    """One transform after the other."""
    return np.column_stack([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2] + second[:, 2]])


def _tiles(frame: Picture) -> Iterator[tuple[int, int, int, int]]:
    """The regions that every search looks into (x, y, width, height): the frame, and squares along it if it is oblong."""
    height, width = frame.shape[:2]
    yield 0, 0, width, height
    if max(width, height) > 1.2 * min(width, height):
        yield from _squares(width, height, min(width, height))


def _small_tiles(frame: Picture) -> Iterator[tuple[int, int, int, int]]:
    """Squares of half the frame's shorter side, where faces too small for the whole frame are large enough."""
    height, width = frame.shape[:2]
    if min(width, height) >= 360:
        yield from _squares(width, height, -(-min(width, height) // 2))


def _squares(width: int, height: int, side: int) -> Iterator[tuple[int, int, int, int]]:
    for y in _spread(height, side):
        for x in _spread(width, side):
            yield x, y, side, side


def _spread(length: int, side: int) -> list[int]:
    """Starts of the fewest pieces of length ``side`` that cover ``length`` and overlap by a quarter."""
    count = 1 if length <= side else 1 + int(np.ceil((length - side) / (0.75 * side)))
    return [int(x) for x in np.linspace(0, length - side, count).round()]
