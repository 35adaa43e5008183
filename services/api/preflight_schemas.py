"""Bodies of answers about dubs that are not there yet."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from dubbing.domain.findings import Finding
from dubbing.domain.media import SyncMode
from services.api.schemas import Failure


class PictureLength(BaseModel):
    """How long the picture is; ``fps`` is a fraction."""

    frames: int
    fps: str
    duration_ms: int


class SoundLength(BaseModel):
    """How long the sound is, holes included; ``frames`` are those of the picture, null while that is unknown."""

    samples: int
    sample_rate: int
    channels: int
    duration_ms: int
    frames: float | None


class SyncEffect(BaseModel):
    """What a sync mode would do with the pair, and how many milliseconds of sound it would cut or fill up."""

    does: Literal["fits", "cuts", "fills", "refuses"]
    ms: int


class PlannedChunks(BaseModel):
    """What would be generated: ``generated`` of so many ``chunks``, with ``frames`` frames of mouths.

    ``nearly_all`` is true when nearly nothing of an earlier master would be kept: the new sound differs from its sound
    everywhere, as after an export with loss or another mastering.
    """

    chunks: int
    generated: int
    frames: int
    nearly_all: bool


class PlannedCost(BaseModel):
    """Seconds from now to its end, behind what is served before it; those of the models, which are what it costs."""

    seconds: float
    gpu_seconds: float
    finish_at: datetime


class PreflightOut(BaseModel):
    """What would become of a dub.

    ``status`` is ``refused`` where there are ``problems``; ``pending`` while files are read or sounds compared
    (``waiting_for``): ask again; ``partial`` where a file at a URL (``unread``) was not fetched; else ``ready``. What is not
    known yet is null.
    """

    status: Literal["ready", "partial", "pending", "refused"]
    waiting_for: list[Literal["video", "audio", "compare"]]
    unread: list[Literal["video", "audio"]]
    problems: list[Failure]
    warnings: list[Finding]
    video: PictureLength | None
    audio: SoundLength | None
    delta_frames: int | None
    delta_ms: int | None
    sync: dict[SyncMode, SyncEffect] | None
    shots: int | None
    planned: PlannedChunks | None
    estimate: PlannedCost | None
