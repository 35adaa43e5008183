"""A picture of each face that is dubbed, for people who look through a title's cast."""

import io
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import structlog
from numpy.typing import NDArray
from PIL import Image

from dubbing.domain.analysis import TrackPath
from dubbing.domain.media import Box
from dubbing.errors import TruncatedMedia
from dubbing.media.frames import FrameReader
from dubbing.media.pixels.picture import PictureFrame

# Half the picture's side, and how far its middle lies below brows and nose, in distances between the eyes: a head with hair.
_HALF, _BELOW = 2.2, 0.3
_LONGEST = 320  # pixels of a side
_QUALITY = 88

log = structlog.get_logger()


def face_pictures(reader: FrameReader, paths: Sequence[TrackPath]) -> Iterator[tuple[int, bytes]]:
    """The number of each track with a JPEG of its face, upright and at most 320 pixels wide.

    Each shows the frame, of those in which the face was seen, that takes the least decoding: few are read again. A frame that
    cannot be read alone has no picture.
    """
    for path in paths:
        number = _cheapest(reader, path)
        try:
            (frame,) = reader.read(number, number + 1)
        except TruncatedMedia as error:
            log.info("no_face_picture", track=path.track.index, reason=error.detail)
            continue
        yield path.track.index, _jpeg(_cropped(frame, path))


def _cheapest(reader: FrameReader, path: TrackPath) -> int:
    """The seen frame with the fewest frames from the last one that decoding can start at; of several, the middle one."""
    missing = set(path.track.missing)
    seen = np.array([frame for frame in range(path.track.start, path.track.end) if frame not in missing])
    keys = reader.index.ticks.searchsorted(reader.index.keys)
    entries = np.concatenate([[0], keys])
    away = seen - entries[np.searchsorted(keys, seen, side="right")]
    nearest = seen[away == away.min()]
    return int(nearest[len(nearest) // 2])


def _cropped(frame: PictureFrame, path: TrackPath) -> NDArray[np.uint8]:
    """The face with what lies around it, as far as the picture goes, and not larger than needed."""
    anchors = np.array(path.anchors[frame.index - path.track.start]).reshape(3, 2)
    (x, y), eyes = anchors.mean(axis=0), path.track.size
    width, height = frame.size
    left, right = _inside(x - _HALF * eyes, x + _HALF * eyes, width)
    top, bottom = _inside(y + (_BELOW - _HALF) * eyes, y + (_BELOW + _HALF) * eyes, height)
    shown = frame.region(Box(left, top, right, bottom))
    scale = _LONGEST / max(shown.shape[:2])
    if scale >= 1:
        return shown
    size = (max(1, round(shown.shape[1] * scale)), max(1, round(shown.shape[0] * scale)))
    return np.asarray(cv2.resize(shown, size, interpolation=cv2.INTER_AREA), np.uint8)


def _inside(start: float, end: float, most: int) -> tuple[int, int]:
    """Whole pixels from ``start`` to ``end`` that lie among the first ``most``; one at least."""
    first = min(max(round(start), 0), most - 1)
    return first, min(max(round(end), first + 1), most)


def _jpeg(shown: NDArray[np.uint8]) -> bytes:
    written = io.BytesIO()
    Image.fromarray(shown).save(written, "JPEG", quality=_QUALITY)
    return written.getvalue()
