"""A dubbing job: its states, what was asked for, and the rule that says whether picture and sound belong together."""

from enum import StrEnum
from fractions import Fraction

from pydantic import Field

from dubbing.domain.media import AudioInfo, Frozen, VideoInfo
from dubbing.errors import DurationMismatch


class JobState(StrEnum):
    """Where a job stands. ``queued`` -> ``running`` -> one of the terminal states, or through ``canceling`` to ``canceled``."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELING = "canceling"
    SUCCEEDED = "succeeded"
    SUCCEEDED_WITH_WARNINGS = "succeeded_with_warnings"
    FAILED = "failed"
    CANCELED = "canceled"


LIVE = (JobState.QUEUED, JobState.RUNNING)
TERMINAL = (JobState.SUCCEEDED, JobState.SUCCEEDED_WITH_WARNINGS, JobState.FAILED, JobState.CANCELED)


class Phase(StrEnum):
    """What a running job is busy with, in order. ``verifying`` is announced by the stitcher inside its own work item."""

    PROBING = "probing"
    ANALYZING = "analyzing"
    ENCODING = "encoding"
    GENERATING = "generating"
    STITCHING = "stitching"
    VERIFYING = "verifying"


class SyncMode(StrEnum):
    """What happens when picture and sound differ in length.

    ``strict`` rejects, ``cut_off`` makes the output as long as the shorter of the two, ``silence`` keeps the whole picture
    and fills the rest of a shorter track with silence.
    """

    STRICT = "strict"
    CUT_OFF = "cut_off"
    SILENCE = "silence"


class Sync(Frozen):
    """Sync mode, and how many frames of difference count as none (``strict``)."""

    mode: SyncMode = SyncMode.STRICT
    tolerance_frames: int = Field(default=1, ge=0, le=25)


class ModelPin(Frozen):
    """A served model and the SHA-256 of its weights."""

    name: str
    digest: str


class Models(Frozen):
    """The three models that a job is pinned to when it is created."""

    preset: str
    demo: bool
    student: ModelPin
    face_encoder: ModelPin
    speech_encoder: ModelPin


def output_frames(video: VideoInfo, audio: AudioInfo, sync: Sync) -> int:
    """Number of frames of the output, exact.

    Raises:
        DurationMismatch: the lengths differ by more than the mode allows; says by how many frames and milliseconds.
    """
    delta = audio.duration - video.duration
    delta_frames = round(delta * video.fps)
    if abs(delta) * video.fps <= sync.tolerance_frames:
        return video.frames
    if sync.mode is SyncMode.CUT_OFF:
        return min(video.frames, max(1, int(audio.duration * video.fps)))
    if sync.mode is SyncMode.SILENCE and delta < 0:
        return video.frames
    raise _mismatch(video, audio, delta, delta_frames)


def _mismatch(video: VideoInfo, audio: AudioInfo, delta: Fraction, delta_frames: int) -> DurationMismatch:
    milliseconds = round(delta * 1000)
    longer = "longer" if delta > 0 else "shorter"
    suggestions = [f"deliver a track of {float(video.duration):.3f} s", "set sync.mode=cut_off"]
    if delta < 0:
        suggestions.append("set sync.mode=silence")
    return DurationMismatch(
        f"Audio is {abs(delta_frames)} frames ({abs(milliseconds)} ms) {longer} than video at {video.fps} fps.",
        where={"pointer": "/audio", "stage": "preflight"},
        suggestions=tuple(suggestions),
        media={
            "video_frames": video.frames,
            "audio_frames": video.frames + delta_frames,
            "audio_samples": audio.samples,
            "delta_frames": delta_frames,
            "delta_ms": milliseconds,
            "fps": str(video.fps),
        },
    )
