"""What a second look at the pictures of a source and its master says of the mouths, whoever painted them.

The faces are followed anew. In each frame in which one may be painted, the guard judges its mouth, the landmarks of the new
mouth are doubted as those of a covered one are, and what was painted beyond the face is counted. In all others nothing may be
painted at all. A warning, no proof: people look at what it names.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from dubbing.domain.findings import Finding, FindingCode
from dubbing.domain.media import Box
from dubbing.errors import FaceUpsideDown, NoFaceAnywhere
from dubbing.faces import landmarks as marks
from dubbing.faces.align import Points, crop_transform, extract_crop
from dubbing.faces.composite import JUDGED_SIDE
from dubbing.faces.detector import Face, FaceDetector
from dubbing.faces.follow import follow_faces
from dubbing.faces.guard import Signs, broken_mouths, judge, ranked, settled, shown, trust
from dubbing.faces.outline import POINTS
from dubbing.faces.tracks import FacesFound, TrackedFace, choose_faces
from dubbing.media.frames import FrameReader
from dubbing.media.pixels.picture import PictureFrame
from dubbing.media.prefetch import prefetch
from dubbing.media.shots import ShotFinder, read_with_changes

_PREFETCH: Final = 3
_COMPARED_WIDTH: Final = 640  # of the pictures in which painting is looked for
_DIFFERENT: Final = 20  # code values (8 bit) that no encoder's error reaches after a blur
_BLUR: Final = 5  # pixels of the frame
_BEYOND: Final = 0.15  # distances between the eyes around the face's outlines that belong to it
_MOST_OUTSIDE: Final = 0.01  # squared distances between the eyes that may be painted outside
_MOST_PAINTED: Final = 0.0005  # of a picture in which nothing may be painted
_CLOSE: Final = 5  # frames between two doubtful ones that are named with them


def inspect_mouths(source: FrameReader, master: FrameReader, detector: FaceDetector) -> tuple[Finding, ...]:
    """What looks doubtful in ``master``, in ranges, the worst first.

    Args:
        source: the picture that was dubbed.
        master: as many frames of the same size.
        detector: finds faces.
    """
    faces = _faces(source, detector)
    signs: list[dict[int, Signs]] = [{} for _ in faces]
    outside: dict[int, float] = {}
    near: Face | None = None
    by_frame = {i: face for face in faces for i in range(face.track.start, face.track.end) if i not in face.track.missing}
    for before, after in zip(prefetch(source.read(), _PREFETCH), prefetch(master.read(), _PREFETCH), strict=True):
        tracked = by_frame.get(before.index)
        if tracked is None:
            near = None
            outside[before.index] = _painted(before, after) / _MOST_PAINTED
            continue
        near = _nearest(detector, before, tracked, near)
        if near is None:
            continue
        made = detector.follow(after, [near], doubting=True)[0]
        outside[before.index] = _outside(before, after, [near, *([made] if made else [])]) / _MOST_OUTSIDE
        signs[tracked.track.index][before.index] = _signs(before, after, near)._replace(unsure=_unsure(before, near, made))
    doubtful = {frame: worst for one in signs for frame, worst in settled(one).items()}
    return (
        *broken_mouths({}, _closed(doubtful, faces), source.video.fps),
        *_outside_findings(_closed({i: worst for i, worst in outside.items() if worst > 1}, faces), source.video.fps),
    )


def _faces(source: FrameReader, detector: FaceDetector) -> tuple[TrackedFace, ...]:
    """The faces that may be painted."""
    finder = ShotFinder(source.video.fps)
    followed = follow_faces(detector, prefetch(read_with_changes(source, finder), _PREFETCH))
    try:
        return choose_faces(followed, finder.finish(), source.video.fps).faces
    except (NoFaceAnywhere, FaceUpsideDown):
        return FacesFound((), ()).faces


def _nearest(detector: FaceDetector, frame: PictureFrame, tracked: TrackedFace, last: Face | None) -> Face | None:
    """The tracked face in this frame, with all its landmarks and its doubt."""
    anchors = tracked.anchors[frame.index - tracked.track.start]
    found = detector.follow(frame, [last], doubting=True)[0] if last is not None else None
    if found is not None and _apart(found, anchors) < 1:
        return found
    again = min(detector.find(frame), key=lambda face: _apart(face, anchors), default=None)
    if again is None or _apart(again, anchors) >= 1:
        return None
    return detector.follow(frame, [again], doubting=True)[0]


def _apart(face: Face, anchors: Points) -> float:
    """Between a face and where one should be, in distances between its eyes."""
    return float(np.abs(marks.anchors(face.landmarks) - anchors).max() / marks.eye_distance(face.landmarks))


def _unsure(before: PictureFrame, near: Face, made: Face | None) -> float:
    """By how much more the new mouth is guessed than the filmed one (`Signs.unsure`)."""
    if made is None or made.doubt is None or near.doubt is None:
        return 0.0
    left, top = np.maximum(near.box[:2], 0).astype(int).tolist()
    right, bottom = np.minimum(np.ceil(near.box[2:]), before.size).astype(int).tolist()
    block = max(1, int(marks.eye_distance(near.landmarks)) // 16)
    picture = before.region(Box(left, top, right, bottom), block)
    return (made.doubt - near.doubt) * trust(picture, (near.landmarks + 0.5 - (left, top)) / block - 0.5, block)


def _signs(before: PictureFrame, after: PictureFrame, face: Face) -> Signs:
    size = 2 * JUDGED_SIDE
    matrix = crop_transform(marks.anchors(face.landmarks), size)
    crops = [extract_crop(frame, matrix, size) for frame in (before, after)]
    small = [cv2.resize(crop, (JUDGED_SIDE, JUDGED_SIDE), interpolation=cv2.INTER_AREA) for crop in crops]
    outline = (face.landmarks[list(POINTS)] @ matrix[:, :2].T + matrix[:, 2]) * (JUDGED_SIDE / size)
    return judge(small[0], small[1], outline, shown(matrix, size, before.size))


def _painted(before: PictureFrame, after: PictureFrame) -> float:
    """The share of the picture that differs."""
    return float(_different(before, after, max(1, before.size[0] // _COMPARED_WIDTH)).mean())


def _outside(before: PictureFrame, after: PictureFrame, faces: list[Face]) -> float:
    """What differs beyond the faces' outlines, in squared distances between the first one's eyes."""
    eyes = float(marks.eye_distance(faces[0].landmarks))
    block = max(1, min(before.size[0] // _COMPARED_WIDTH, int(eyes) // 20))
    different = _different(before, after, block)
    allowed = np.zeros(different.shape, np.uint8)
    for face in faces:
        outline = (face.landmarks[list(marks.OUTLINE)] + 0.5) / block - 0.5
        cv2.fillConvexPoly(allowed, cv2.convexHull(outline.astype(np.float32)).round().astype(np.int32), 1)
    reach = max(1, round(_BEYOND * eyes / block))
    around = cv2.dilate(allowed, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
    return float((different & (around == 0)).sum()) * block**2 / eyes**2


def _different(before: PictureFrame, after: PictureFrame, block: int) -> NDArray[np.bool_]:
    whole = Box(0, 0, *before.size)
    blur = max(1, _BLUR // block)
    pictures = (cv2.blur(frame.region(whole, block).astype(np.float32), (blur, blur)) for frame in (before, after))
    different = (cv2.absdiff(*pictures).max(axis=2) > _DIFFERENT).astype(np.uint8)
    # Single pixels are grain that the encoder left out.
    return np.asarray(cv2.morphologyEx(different, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0)


def _closed(frames: dict[int, float], faces: tuple[TrackedFace, ...]) -> dict[int, float]:
    """The frames, and those of their tracks between two of them or to an end that is near: who looks at them looks at all."""
    whole = dict(frames)
    for face in faces:
        start, end = face.track.start, face.track.end
        own = sorted(frame for frame in frames if start <= frame < end)
        if not own:
            continue
        worst = {start - 1: frames[own[0]], **{frame: frames[frame] for frame in own}, end: frames[own[-1]]}
        for one, other in pairwise(worst):
            if other - one <= _CLOSE:
                whole |= dict.fromkeys(range(one + 1, other), min(worst[one], worst[other]))
    return whole


def _outside_findings(outside: dict[int, float], fps: Fraction) -> Iterator[Finding]:
    if outside:
        ranges, times = ranked(outside, fps)
        detail = f"{len(outside)} frames differ from the source where no mouth belongs; look at them (worst first: {times})."
        yield Finding(code=FindingCode.PAINTED_OUTSIDE, detail=detail, frames=ranges)
