"""Shot boundaries by PySceneDetect, fed frame by frame from the pass that other analysis makes anyway.

Hard cuts: `AdaptiveDetector` (a frame's change against its neighbours', so that camera moves are no cuts). Fades through
black: `ThresholdDetector`, which puts the boundary into the dark. A flash changes the picture twice and ends where it
began: its two cuts are dropped.
"""

from collections import deque
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scenedetect import AdaptiveDetector, FrameTimecode, ThresholdDetector

from dubbing.domain.faces import Shot

_WIDTH = 256
_THUMB = (32, 18)
_BLACK = 8
_FLASH_FRAMES = 6
_ALIKE = 10.0
_SHORTEST = Fraction(1, 5)
_HISTORY = 16


class ShotFinder:
    """Finds cuts in frames pushed in order; memory does not grow with length.

    Args:
        fps: the source's frame rate.
    """

    def __init__(self, fps: Fraction) -> None:
        self._fps = fps
        self._cuts_by = AdaptiveDetector(min_scene_len=1)
        self._fades_by = ThresholdDetector(threshold=_BLACK, min_scene_len=1)
        self._thumbs: deque[tuple[int, NDArray[np.float32]]] = deque(maxlen=_HISTORY)
        self._cuts: dict[int, NDArray[np.float32]] = {}
        self._fades: set[int] = set()
        self._frames = 0

    def push(self, rgb: NDArray[Any]) -> float:
        """Take the next frame uint8 [h,w,3] of any size; it is scaled down here.

        Returns:
            How much it differs from the one before: mean difference of grey values, 0 to 255; infinite for the first.
        """
        height, width = rgb.shape[:2]
        if width > _WIDTH:
            rgb = cv2.resize(rgb, (_WIDTH, max(2, round(height * _WIDTH / width))), interpolation=cv2.INTER_AREA)
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        thumb = cv2.resize(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), _THUMB, interpolation=cv2.INTER_AREA).astype(np.float32)
        change = float(np.abs(thumb - self._thumbs[-1][1]).mean()) if self._thumbs else float("inf")
        self._thumbs.append((self._frames, thumb))
        at = FrameTimecode(self._frames, self._fps)
        for cut in self._cuts_by.process_frame(at, bgr):
            self._take(cut.frame_num)
        self._fades.update(cut.frame_num for cut in self._fades_by.process_frame(at, bgr))
        self._frames += 1
        return change

    def _take(self, cut: int) -> None:
        """Note a cut, unless it ends a flash; then its beginning goes too."""
        thumbs = dict(self._thumbs)
        before, after = thumbs.get(cut - 1), thumbs.get(cut)
        if before is None or after is None:
            return
        for start, earlier in list(self._cuts.items()):
            if 0 < cut - start <= _FLASH_FRAMES and float(np.abs(earlier - after).mean()) < _ALIKE:
                self._cuts = {c: t for c, t in self._cuts.items() if c < start}
                return
        self._cuts[cut] = before

    def finish(self) -> list[Shot]:
        """All shots, covering every frame that was pushed; none is shorter than a fifth of a second."""
        shortest = max(2, round(self._fps * _SHORTEST))
        starts = [0]
        for cut in sorted({*self._cuts, *self._fades}):
            if cut - starts[-1] >= shortest and self._frames - cut >= shortest:
                starts.append(cut)
        ends = [*starts[1:], self._frames]
        return [Shot(index=i, start=a, end=b) for i, (a, b) in enumerate(zip(starts, ends, strict=True)) if b > a]
