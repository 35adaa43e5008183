"""How the mouths of a new language agree with its track, before and after; and the meter of their openings."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.analysis import Analysis
from dubbing.domain.findings import Finding, FindingCode
from dubbing.domain.receipt import Agreement, LanguageScore, ShotScore, SyncMeasure
from dubbing.faces import landmarks as marks
from dubbing.faces.agreement import LEVEL, TakeSeries, agreement, loss
from dubbing.faces.detector import Face, FaceDetector
from dubbing.faces.guard import trust

Region = NDArray[np.uint8]
Series = NDArray[np.float64]

# Ten seconds tell as much about a shot as ten minutes do, and every third frame of a longer one nearly as much as all: mouths
# open and close four times a second at most, and the sound that they are compared with is known at every frame.
_MOST_FRAMES = 250
_DENSE_FRAMES = 100
_EVERY = 3
_BACKLOG = 32


class MouthMeter:
    """Measures the mouths of repainted regions on a thread of its own, beside the encoder.

    A shot's first frames are measured, up to a limit; of long shots, every third one.

    Args:
        open_detector: makes a detector; it lives on that thread.
        analysis: the title's shots, and how far its filmed mouths are guessed.
    """

    def __init__(self, open_detector: Callable[[], FaceDetector], analysis: Analysis) -> None:
        self.opening = np.full(analysis.video.frames, np.nan)
        """How far the mouths are open, per frame of the title, over the distance between the eyes."""
        self.unsure = np.full(analysis.video.frames, np.nan)
        """By how much more the mouths are guessed than the filmed ones (`guard.Signs.unsure`), NaN where nobody asked."""
        self._filmed_doubt = _per_frame(analysis, "doubt")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mouth-meter")
        self._detector = self._thread.submit(open_detector).result()
        self._last: Face | None = None
        self._shots = analysis.shots
        self._offered = {shot.index: 0 for shot in analysis.shots}
        self._pending: list[Future[None]] = []

    def see(self, frame: int, show: Callable[[], Region], block: int, *, doubting: bool) -> None:
        """Take the region around one repainted mouth, uint8 R'G'B' [h, w, 3]; waits when the thread is far behind.

        Args:
            frame: its number.
            show: gives the region; not called when this frame is not measured.
            block: pixels of the frame that one of the region's stands for, in each direction.
            doubting: also ask how sure landmarks are; otherwise they are taken to be.
        """
        shot = next(shot for shot in self._shots if shot.start <= frame < shot.end)
        place = self._offered[shot.index] = self._offered[shot.index] + 1
        if place > _MOST_FRAMES or (len(shot) > _DENSE_FRAMES and place % _EVERY != 1):
            return
        self.unsure[frame] = 0.0
        doubting = doubting and bool(np.isfinite(self._filmed_doubt[frame]))
        self._pending.append(self._thread.submit(self._measure, frame, show(), block, doubting=doubting))
        if len(self._pending) > _BACKLOG:
            self._pending.pop(0).result()

    def _measure(self, frame: int, region: Region, block: int, *, doubting: bool) -> None:
        """Follow the face from region to region, which are cut out around it; look for it anew where it was lost."""
        followed = self._detector.follow(region, [self._last], doubting=doubting) if self._last is not None else []
        self._last = next((face for face in followed if face is not None), None)
        if self._last is None:
            middle = np.array(region.shape[1::-1]) / 2
            found = self._detector.find(region)
            self._last = min(found, key=lambda face: float(np.hypot(*(face.landmarks.mean(axis=0) - middle))), default=None)
        if self._last is not None:
            points = self._last.landmarks
            self.opening[frame] = marks.mouth_opening(points) / marks.eye_distance(points)
            if doubting and self._last.doubt is not None:
                self.unsure[frame] = (self._last.doubt - self._filmed_doubt[frame]) * trust(region, points, block)

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
    before_V = np.where(np.isnan(opening_V), np.nan, _per_frame(analysis, "opening"))
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
    source, new = TakeSeries(_per_frame(analysis, "opening"), own_V), TakeSeries(opening_V, loudness_V)
    found = loss(source, new, analysis.shots, analysis.video.fps)
    if found.before is None or not found.lost:
        return None
    left = "not at all" if found.after is None else f"by {found.after.score:.2f}, which is no more than chance"
    return Finding(
        code=FindingCode.SYNC_LOST,
        detail=f"The source's mouths agree with its own sound by {found.before.score:.2f}, the new ones with the new track "
        f"{left}. Look at the mouths, and whether this track belongs to this picture.",
    )


def _per_frame(analysis: Analysis, measure: Literal["opening", "doubt"]) -> Series:
    """A measure of the source's own mouths, per frame of the title; NaN where it is not known."""
    values_V = np.full(analysis.video.frames, np.nan)
    for path in analysis.paths:
        values = [np.nan if value is None else value for value in getattr(path, measure)]
        values_V[path.track.start : path.track.start + len(values)] = values
    return values_V


def _beyond_chance(found: Sequence[Agreement | None]) -> list[Agreement | None]:
    """Those that differ from chance although so many were tried; None for all others."""
    tried = sorted((one.significance, place) for place, one in enumerate(found) if one is not None)
    kept: list[Agreement | None] = [None] * len(found)
    for rank, (significance, place) in enumerate(tried):
        if significance > LEVEL / (len(tried) - rank):
            break
        kept[place] = found[place]
    return kept
