"""Scores a master that was just painted: by opening and loudness always, by SyncNet where its weights are at hand.

The source's own mouths and sound say what can be expected: where they agree and the master does not, that is told.
"""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from dubbing.domain.analysis import Analysis
from dubbing.domain.media import AudioInfo
from dubbing.domain.work import StitchTask
from dubbing.errors import ChunkFailed, DublineError, ModelUnavailable, OutOfMemory
from dubbing.inference.syncnet import SyncNetClient
from dubbing.media.encode import delivery_colour
from dubbing.media.frames import FrameReader
from dubbing.media.loudness import loudness
from dubbing.media.mono import SPEECH_RATE, mono_windows
from services.stitcher.scoring import Agreements, lost_sync, score
from services.stitcher.syncnet import Showing, judge, whole_samples, with_syncnet

log = structlog.get_logger()


class Master(Protocol):
    """What is scored."""

    @property
    def task(self) -> StitchTask:
        """What was asked for."""

    @property
    def analysis(self) -> Analysis:
        """Where the faces are."""

    @property
    def video(self) -> Path:
        """The source's picture."""

    @property
    def audio(self) -> Path:
        """The given track."""

    @property
    def picture(self) -> Path:
        """The encoded picture, without sound."""

    @property
    def folder(self) -> Path:
        """Where there is room for files."""


class Scorer:
    """Scores masters.

    Args:
        open_syncnet: opens a connection to SyncNet; None where there is no server that could have it.
    """

    def __init__(self, open_syncnet: Callable[[], SyncNetClient] | None = None) -> None:
        self._open_syncnet = open_syncnet

    def __call__(self, master: Master, opening_V: NDArray[np.float64], check: Callable[[], None]) -> Agreements:
        """The scores of a master.

        Args:
            master: to score.
            opening_V: mouth openings that were measured while it was painted.
            check: called now and then; ends the work by raising.
        """
        task, video, sound = master.task, master.analysis.video, master.task.audio.media.audio
        shown = FrameReader(master.video, video).frame_times()
        times = [task.plan.picture_after + time for time in shown]
        samples = mono_windows(master.audio, sound, SPEECH_RATE, task.plan) if sound is not None else iter(())
        loudness_V = loudness(samples, times, SPEECH_RATE)
        found = score(master.analysis, opening_V, loudness_V)
        if (own_V := _own_loudness(master, shown)) is not None:
            finding = lost_sync(master.analysis, opening_V, loudness_V, own_V)
            found = found._replace(findings=(finding,) if finding is not None else ())
        return found if sound is None else self._with_syncnet(master, sound, found, times, check)

    def _with_syncnet(
        self, master: Master, sound: AudioInfo, found: Agreements, times: list[Fraction], check: Callable[[], None]
    ) -> Agreements:
        syncnet = self._open_syncnet() if self._open_syncnet is not None else None
        if syncnet is None or not syncnet.is_served():
            return found
        task, video = master.task, master.analysis.video
        encoded = video.model_copy(update={"track": 1, "colour": delivery_colour(video)})
        showing = Showing(
            FrameReader(master.picture, encoded),
            [*times, max(times[-1], task.plan.picture_after + video.duration)],
            whole_samples(mono_windows(master.audio, sound, SPEECH_RATE, task.plan), master.folder / "speech.s16"),
        )
        dubbed = {chunk.track for chunk in task.chunks}
        try:
            return with_syncnet(found, judge(syncnet, master.analysis, dubbed, showing, check))
        except (ModelUnavailable, OutOfMemory, ChunkFailed) as error:  # a measure of quality never costs a master
            log.warning("syncnet_failed", code=error.code, detail=error.detail)
            return found


def _own_loudness(master: Master, shown: list[Fraction]) -> NDArray[np.float64] | None:
    """Loudness of the source's own sound at its frames; None where it has none that can be heard to the end."""
    own = master.task.video.media.audio
    if own is None:
        return None
    first = master.analysis.video.start - own.start
    try:
        return loudness(mono_windows(master.video, own, SPEECH_RATE), [first + time for time in shown], SPEECH_RATE)
    except DublineError as error:  # it is replaced: what is wrong with it is no matter
        log.warning("own_sound_unheard", code=error.code, detail=error.detail)
        return None
