"""Shot boundaries, frame by frame from the pass that other analysis makes anyway.

Two frames of one shot show the same edges, moved as far as a camera or a head moves in that time. So the grey picture, without
its coarse light and its finest grain, correlates with the one before once it is laid over it (phase correlation; Kuglin and
Hines, 1975). Over 40 clips of films, talks and phones it did so by 0.83 or more within a shot, however violently the camera
shook, and by 0.12 or less across a cut, however close to the next one; two pictures full of alike edges (shelves, bricks) reach
0.43 by chance. Fades end in the dark, where there are no edges.

A flash interrupts a shot: for a fifteenth of a second at most, or two frames, the picture is another one or much brighter, and
then goes on where it was. Its frames are listed in the shot, and no cut is.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from dubbing.domain.faces import Shot
from dubbing.domain.findings import FrameRange
from dubbing.domain.media import Box
from dubbing.media.frames import FrameReader
from dubbing.media.pixels.picture import PictureFrame

Grey = NDArray[np.float32]

_WIDTH: Final = 128
_THUMB: Final = (32, 18)
_FINE: Final = 1.0  # standard deviations, in pixels, between which lies what is compared
_COARSE: Final = 5.0
_SAME: Final = 0.8  # correlation from which on nobody asks whether the camera moved
_OTHER: Final = 0.5  # and below which the picture is another one
_AGAIN: Final = 0.5  # from which on an interrupted shot goes on
_LIGHT: Final = 20.0  # change of the mean of 255 from one frame to the next that no lamp and no exposure makes slowly
_FLAT: Final = 0.6  # standard deviation of the compared band below which a picture has no edges
_NOISY: Final = 0.5  # part of the usual correlation to which a cut must fall, where grain lets no two frames agree
_MEMORY: Final = 16  # frames over which what is usual is averaged
_FLASH: Final = Fraction(1, 15)  # seconds
_STEADY: Final = 4.0  # difference of grey values below which two frames follow each other calmly
_SEEN_WIDTH: Final = 256  # about the width of the picture in which cuts are looked for


class Change(NamedTuple):
    """What one frame is to those before it.

    Attributes:
        difference: mean difference of grey values from the frame before, 0 to 255; infinite for the first frame.
        cut: it does not belong to the shot of the frame before.
        resumes: first frame of the interruption that ended with the frame before, when the shot goes on now.
    """

    difference: float
    cut: bool
    resumes: int | None

    @property
    def steady(self) -> bool:
        """Whether there is no cut, flash or whip between the two frames."""
        return self.difference < _STEADY


class _ComparedFrame(NamedTuple):
    """A frame as it is compared: small, grey, and without coarse light and fine grain; and tiny."""

    grey: Grey
    band: Grey
    thumb: Grey


class _Cut(NamedTuple):
    """The first frame of a shot, and the last picture before it."""

    frame: int
    before: _ComparedFrame


class ShotFinder:
    """Finds cuts and flashes in frames pushed in order; memory does not grow with length.

    Args:
        fps: the source's frame rate.
    """

    def __init__(self, fps: Fraction) -> None:
        self._flash = max(2, int(fps * _FLASH))
        self._last: _ComparedFrame | None = None
        self._usual = 1.0
        self._starts: list[int] = []
        self._flashes: list[FrameRange] = []
        self._open: list[_Cut] = []  # cuts that may turn out to begin a flash
        self._frames = 0

    def push(self, rgb: NDArray[Any]) -> Change:
        """Take the next frame, uint8 [h, w, 3] of any size; it is scaled down here."""
        now, before, frame = _seen(rgb), self._last, self._frames
        self._last, self._frames = now, frame + 1
        if before is None:
            self._starts.append(0)
            return Change(float("inf"), cut=True, resumes=None)
        difference = float(np.abs(now.thumb - before.thumb).mean())
        self._open = [cut for cut in self._open if frame - cut.frame <= self._flash]
        for cut in self._open:
            if _agreement(cut.before, now) >= _AGAIN:
                self._interrupted(cut.frame, frame)
                return Change(difference, cut=False, resumes=cut.frame)
        agreement = _agreement(before, now)
        if agreement >= min(_OTHER, _NOISY * self._usual):
            self._usual += (agreement - self._usual) / _MEMORY
            return Change(difference, cut=False, resumes=None)
        self._starts.append(frame)
        self._open.append(_Cut(frame, before))
        return Change(difference, cut=True, resumes=None)

    def _interrupted(self, start: int, end: int) -> None:
        self._starts = [cut for cut in self._starts if cut < start]
        self._flashes = [*(flash for flash in self._flashes if flash.end <= start), FrameRange(start=start, end=end)]
        self._open = [cut for cut in self._open if cut.frame < start]

    def finish(self) -> list[Shot]:
        """All shots, covering every frame that was pushed."""
        ends = [*self._starts[1:], self._frames]
        return [
            Shot(index=i, start=a, end=b, flashes=tuple(f for f in self._flashes if a <= f.start < b))
            for i, (a, b) in enumerate(zip(self._starts, ends, strict=False))
            if b > a
        ]


def read_with_changes(reader: FrameReader, finder: ShotFinder) -> Iterator[tuple[PictureFrame, Change]]:
    """Every frame, and what it is to those before; the finder sees them all."""
    whole = Box(0, 0, *reader.video.upright_size)
    block = max(1, whole.right // _SEEN_WIDTH)
    for frame in reader.read():
        yield frame, finder.push(frame.region(whole, block))


def _seen(rgb: NDArray[Any]) -> _ComparedFrame:
    height, width = rgb.shape[:2]
    size = (_WIDTH, max(16, round(height * _WIDTH / width)))
    grey = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA).astype(np.float32)
    band = cv2.GaussianBlur(grey, (0, 0), _FINE) - cv2.GaussianBlur(grey, (0, 0), _COARSE)
    return _ComparedFrame(
        grey, np.asarray(band, np.float32), np.asarray(cv2.resize(grey, _THUMB, interpolation=cv2.INTER_AREA))
    )


def _agreement(one: _ComparedFrame, other: _ComparedFrame) -> float:
    """How far the edges of two pictures agree, moved by what fits best: up to 1; -1 where the light is another one."""
    if one.band.std() < _FLAT and other.band.std() < _FLAT:
        return 1.0 if _same_light(one, other) else -1.0
    still = _correlation(one.band, other.band)
    if still >= _SAME:
        return still if _same_light(one, other) else -1.0
    # Copies: OpenCV 5 lays the window over the very arrays it is given.
    (x, y), _ = cv2.phaseCorrelate(one.band.copy(), other.band.copy(), _window(one.band.shape))
    first, second = _overlap(one, other, round(x), round(y))
    return max(still, _correlation(first.band, second.band)) if _same_light(first, second) else -1.0


def _same_light(one: _ComparedFrame, other: _ComparedFrame) -> bool:
    return abs(float(one.grey.mean() - other.grey.mean())) <= _LIGHT


def _overlap(one: _ComparedFrame, other: _ComparedFrame, x: int, y: int) -> tuple[_ComparedFrame, _ComparedFrame]:
    """What both show when the second is the first moved by (x, y); all of both where too little would be left."""
    height, width = one.band.shape
    if max(3 * abs(x) - width, 3 * abs(y) - height) > 0:
        return one, other
    a = np.s_[max(0, -y) : height - max(0, y), max(0, -x) : width - max(0, x)]
    b = np.s_[max(0, y) : height - max(0, -y), max(0, x) : width - max(0, -x)]
    return _ComparedFrame(one.grey[a], one.band[a], one.thumb), _ComparedFrame(other.grey[b], other.band[b], other.thumb)


def _correlation(one: Grey, other: Grey) -> float:
    """Pearson's, 0 where one of them is flat."""
    a, b = one - one.mean(), other - other.mean()
    both = float(np.sqrt((a * a).sum(dtype=np.float64) * (b * b).sum(dtype=np.float64)))
    return float((a * b).sum(dtype=np.float64)) / both if both > 0 else 0.0


def _window(shape: tuple[int, ...]) -> Grey:
    return np.asarray(cv2.createHanningWindow((shape[1], shape[0]), cv2.CV_32F))
