"""Scores a master that was just painted: by opening and loudness always, by SyncNet where its weights are at hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from dubbing.domain.analysis import Analysis
from dubbing.domain.work import StitchTask
from dubbing.errors import ChunkFailed, ModelUnavailable
from dubbing.inference.syncnet import SyncNet
from dubbing.media.encode import delivery_colour
from dubbing.media.frames import FrameReader
from dubbing.media.loudness import loudness
from dubbing.media.mono import SPEECH_RATE, mono_windows
from services.stitcher.scoring import Agreements, score
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

    def __init__(self, open_syncnet: Callable[[], SyncNet] | None = None) -> None:
        self._open_syncnet = open_syncnet

    def __call__(self, master: Master, opening_V: NDArray[np.float64], check: Callable[[], None]) -> Agreements:
        """The scores of a master.

        Args:
            master: to score.
            opening_V: mouth openings that were measured while it was painted.
            check: called now and then; ends the work by raising.
        """
        task, video, sound = master.task, master.analysis.video, master.task.audio.media.audio
        times = [task.plan.picture_after + time for time in FrameReader(master.video, video).frame_times()]
        samples = mono_windows(master.audio, sound, SPEECH_RATE, task.plan) if sound is not None else iter(())
        found = score(master.analysis, opening_V, loudness(samples, times, SPEECH_RATE))
        syncnet = self._open_syncnet() if self._open_syncnet is not None else None
        if sound is None or syncnet is None or not syncnet.is_served():
            return found
        encoded = video.model_copy(update={"track": 1, "colour": delivery_colour(video)})
        showing = Showing(
            FrameReader(master.picture, encoded),
            [*times, max(times[-1], task.plan.picture_after + video.duration)],
            whole_samples(mono_windows(master.audio, sound, SPEECH_RATE, task.plan), master.folder / "speech.s16"),
        )
        dubbed = {chunk.track for chunk in task.chunks}
        try:
            return with_syncnet(found, judge(syncnet, master.analysis, dubbed, showing, check))
        except (ModelUnavailable, ChunkFailed) as error:  # a measure of quality never costs a master
            log.warning("syncnet_failed", code=error.code, detail=error.detail)
            return found
