"""Scores shots: how well the mouth agrees with the new track, before and after."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.analysis import Analysis
from dubbing.domain.faces import Shot
from dubbing.domain.receipt import ShotScore
from dubbing.faces import landmarks as marks
from dubbing.faces.detector import Face, FaceDetector
from services.stitcher.agreement import agreement

Region = NDArray[np.uint8]

# Ten seconds tell as much about a shot as ten minutes do, and every third frame of a longer one nearly as much as all: mouths
# open and close four times a second at most, and the sound that they are compared with is known at every frame.
_MOST_FRAMES = 250
_DENSE_FRAMES = 100
_EVERY = 3
_BACKLOG = 32


class MouthMeter:
    """Measures mouth openings of repainted regions on a thread of its own, beside the encoder.

    Args:
        open_detector: makes a detector; it lives on that thread.
        shots: a shot's first frames are measured, up to a limit; of long shots, every third one.
        frames: length of the title.
    """

    def __init__(self, open_detector: Callable[[], FaceDetector], shots: tuple[Shot, ...], frames: int) -> None:
        self.opening = np.full(frames, np.nan)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mouth-meter")
        self._detector = self._thread.submit(open_detector).result()
        self._last: Face | None = None
        self._shots = shots
        self._offered = {shot.index: 0 for shot in shots}
        self._pending: list[Future[None]] = []

    def see(self, frame: int, show: Callable[[], Region]) -> None:
        """Take the region around one repainted mouth, uint8 R'G'B' [h, w, 3]; waits when the thread is far behind.

        Args:
            frame: its number.
            show: gives the region; not called when this frame is not measured.
        """
        shot = next(shot for shot in self._shots if shot.start <= frame < shot.end)
        place = self._offered[shot.index] = self._offered[shot.index] + 1
        if place > _MOST_FRAMES or (len(shot) > _DENSE_FRAMES and place % _EVERY != 1):
            return
        self._pending.append(self._thread.submit(self._measure, frame, show()))
        if len(self._pending) > _BACKLOG:
            self._pending.pop(0).result()

    def _measure(self, frame: int, region: Region) -> None:
        """Follow the face from region to region, which are cut out around it; look for it anew where it was lost."""
        followed = self._detector.follow(region, [self._last]) if self._last is not None else []
        self._last = next((face for face in followed if face is not None), None)
        if self._last is None:
            self._last = next(iter(self._detector.find(region)), None)
        if self._last is not None:
            points = self._last.landmarks
            self.opening[frame] = marks.mouth_opening(points) / marks.eye_distance(points)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Finish what was taken, or drop it when the work failed."""
        for pending in self._pending:
            pending.result() if kind is None else pending.cancel()
        self._thread.submit(self._detector.close)
        self._thread.shutdown()


def score_shots(analysis: Analysis, opening_V: NDArray[np.float64], loudness_V: NDArray[np.float64]) -> tuple[ShotScore, ...]:
    """One score for each shot; shots that were not repainted have none.

    Args:
        analysis: the source's shots and its mouths' openings.
        opening_V: openings measured in the output; NaN where none was.
        loudness_V: the new track's speech-band loudness at the frames.
    """
    before = np.full(len(opening_V), np.nan)
    for path in analysis.paths:
        track = path.track
        before[track.start : track.end] = [np.nan if value is None else value for value in path.opening]
    return tuple(_score(shot, opening_V, np.where(np.isnan(opening_V), np.nan, before), loudness_V) for shot in analysis.shots)


def _score(
    shot: Shot, after_V: NDArray[np.float64], before_V: NDArray[np.float64], loudness_V: NDArray[np.float64]
) -> ShotScore:
    part = slice(shot.start, shot.end)
    found, was = agreement(after_V[part], loudness_V[part]), agreement(before_V[part], loudness_V[part])
    return ShotScore(
        shot=shot.index,
        start=shot.start,
        end=shot.end,
        touched=bool(np.isfinite(after_V[part]).any()),
        lag_frames=found.lag if found else None,
        score=found.score if found else None,
        lag_frames_before=was.lag if was else None,
        score_before=was.score if was else None,
    )
