"""A track as it is laid to a picture: its level, and when each frame is shown."""

from fractions import Fraction
from pathlib import Path

from dubbing.domain.media import AudioInfo, SyncMode, SyncPlan
from dubbing.domain.work import Source
from dubbing.media.container import naming
from dubbing.media.frames import FrameReader
from dubbing.media.mono import sound_level
from dubbing.storage.sources import SourceCache


def plan_of(info: AudioInfo, lead: int) -> SyncPlan:
    """The whole track, after ``lead`` samples of silence."""
    return SyncPlan(mode=SyncMode.STRICT, sample_rate=info.sample_rate, lead=lead, keep=info.spread)


def level_of(path: Path, info: AudioInfo, plan: SyncPlan) -> tuple[float, float]:
    """Mean and standard deviation of the track at 16 kHz mono, full scale 1."""
    level = sound_level(path, info, plan)
    return level.mean, level.std


def frame_times(sources: SourceCache, video: Source, picture_after: Fraction) -> list[Fraction]:
    """Seconds of the delivered track at which each frame of a picture is shown."""
    info = video.media.video
    if info is None:
        return []
    if not info.variable_rate:
        return [picture_after + i / info.fps for i in range(info.frames)]
    with sources.open(video.key, video.sha256) as path, naming(video.filename, "video"):
        return [picture_after + time for time in FrameReader(path, info).frame_times()]
