"""How the mouths of a new language agree with its track, before and after; and the meter of their openings."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.analysis import Analysis
from dubbing.domain.faces import Shot
from dubbing.domain.findings import Finding, FindingCode
from dubbing.domain.receipt import Agreement, LanguageScore, ShotScore, SyncMeasure
from dubbing.faces import landmarks as marks
from dubbing.faces.agreement import LEVEL, TakeSeries, agreement, loss
from dubbing.faces.detector import Face, FaceDetector

Region = NDArray[np.uint8]
Series = NDArray[np.float64]

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


class Agreements(NamedTuple):
    """How a new language's mouths agree with its track: by shot, and all of them together; and what is told of it."""

    shots: tuple[ShotScore, ...]
    language: LanguageScore
    findings: tuple[Finding, ...] = ()


def score(analysis: Analysis, opening_V: Series, loudness_V: Series) -> Agreements:
    """Agreement of the measured mouths, and of the source's own at the same frames, with a track.

    Only what differs from chance is told. A language is judged once; of its shots, which are many tries, those that stand
    Holm's correction (Holm, 1979), so that in a language of unrelated sound hardly ever any shot seems to agree.

    Args:
        analysis: the source's shots and its mouths' openings.
        opening_V: openings measured in the output; NaN where none was.
        loudness_V: the new track's speech-band loudness at the frames.
    """
    before_V = np.where(np.isnan(opening_V), np.nan, _filmed(analysis))
    shots, fps = analysis.shots, analysis.video.fps
    new, old = ([agreement(mouth_V, loudness_V, [shot], fps) for shot in shots] for mouth_V in (opening_V, before_V))
    after, before = (_beyond_chance([agreement(mouth_V, loudness_V, shots, fps)])[0] for mouth_V in (opening_V, before_V))
    return Agreements(
        tuple(
            ShotScore(
                shot=shot.index,
                start=shot.start,
                end=shot.end,
                touched=bool(np.isfinite(opening_V[shot.start : shot.end]).any()),
                agreement=mine,
                agreement_before=theirs,
            )
            for shot, mine, theirs in zip(shots, _beyond_chance(new), _beyond_chance(old), strict=True)
        ),
        LanguageScore(
            measure=SyncMeasure.OPENING,
            frames=int(np.isfinite(opening_V).sum()),
            agreement=after,
            agreement_before=before,
        ),
    )


def lost_sync(analysis: Analysis, opening_V: Series, loudness_V: Series, own_V: Series) -> Finding | None:
    """What is told where the source's mouths agree with its own sound, and the new ones with the new track only by chance.

    Args:
        analysis: see `score`.
        opening_V: see `score`.
        loudness_V: see `score`.
        own_V: the source's own sound's speech-band loudness at the frames.
    """
    source, new = TakeSeries(_filmed(analysis), own_V), TakeSeries(opening_V, loudness_V)
    found = loss(source, new, analysis.shots, analysis.video.fps)
    if found.before is None or not found.lost:
        return None
    left = "not at all" if found.after is None else f"by {found.after.score:.2f}, which is no more than chance"
    return Finding(
        code=FindingCode.SYNC_LOST,
        detail=f"The source's mouths agree with its own sound by {found.before.score:.2f}, the new ones with the new track "
        f"{left}. Look at the mouths, and whether this track belongs to this picture.",
    )


def _filmed(analysis: Analysis) -> Series:
    """Openings of the source's own mouths, per frame; NaN where none was seen."""
    opening_V = np.full(analysis.video.frames, np.nan)
    for path in analysis.paths:
        opening_V[path.track.start : path.track.end] = [np.nan if value is None else value for value in path.opening]
    return opening_V


def _beyond_chance(found: Sequence[Agreement | None]) -> list[Agreement | None]:
    """Those that differ from chance although so many were tried; None for all others."""
    tried = sorted((one.significance, place) for place, one in enumerate(found) if one is not None)
    kept: list[Agreement | None] = [None] * len(found)
    for rank, (significance, place) in enumerate(tried):
        if significance > LEVEL / (len(tried) - rank):
            break
        kept[place] = found[place]
    return kept
