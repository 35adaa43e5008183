"""A dubbing job: its states, and what was asked for."""

from enum import StrEnum

from pydantic import Field

from dubbing.domain.frozen import Frozen
from dubbing.domain.media import SoundChoice, SyncMode


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
SUCCEEDED = (JobState.SUCCEEDED, JobState.SUCCEEDED_WITH_WARNINGS)
TERMINAL = (*SUCCEEDED, JobState.FAILED, JobState.CANCELED)


class Phase(StrEnum):
    """What a running job is busy with, in order. ``verifying`` is announced by the stitcher inside its own work item."""

    PROBING = "probing"
    ANALYZING = "analyzing"
    ENCODING = "encoding"
    GENERATING = "generating"
    STITCHING = "stitching"
    VERIFYING = "verifying"


ANALYSIS_PHASES = (Phase.PROBING, Phase.ANALYZING)
"""Those of a job without a track: the analysis of a title."""


class Sharing(StrEnum):
    """Whose jobs share the results of the same content. A job keeps what it was created with."""

    ORGANISATION = "organisation"
    INSTALLATION = "installation"


class Sync(Frozen):
    """Sync mode, and how many frames of difference count as none (``strict``)."""

    mode: SyncMode = SyncMode.STRICT
    tolerance_frames: int = Field(default=1, ge=0, le=25)


class Chosen(Frozen):
    """What of the files is used where they hold several: None and empty for the documented default."""

    picture: int | None = None
    sound: SoundChoice = SoundChoice()


class ModelPin(Frozen):
    """A served model, the SHA-256 of its weights, and the number of its version folder (None: whichever the server chooses)."""

    name: str
    digest: str
    version: int | None = None


class Models(Frozen):
    """The three models that a job is pinned to when it is created."""

    preset: str
    demo: bool
    student: ModelPin
    face_encoder: ModelPin
    speech_encoder: ModelPin
