"""The tree of everything that can go wrong, with a stable code for each kind, by area.

Two questions decide what happens next: may the same work succeed if tried again (`Transient`) or not (`Permanent`), and
is it the caller's input that must change (`BadInput`). The code is stored on the row and mapped to RFC 9457 in one place
in the API; the text is for people and may change.
"""

from collections.abc import Mapping
from typing import Any

from dubbing.errors.base import (
    BadInput,
    DublineError,
    Outage,
    Permanent,
    Transient,
)
from dubbing.errors.media import (
    DurationMismatch,
    EmptyMedia,
    FaceUpsideDown,
    FatalInput,
    InvalidSamples,
    NoFaceAnywhere,
    NoSuchTrack,
    NotAudio,
    NotAVideo,
    NoVideoStream,
    PictureChanges,
    ReadingsDiffer,
    TruncatedMedia,
    UnsupportedChannels,
    UnsupportedCodec,
)
from dubbing.errors.requests import (
    BadParts,
    Cancelled,
    ChecksumMismatch,
    Conflict,
    DeadlineUnmeetable,
    DeliveryFailed,
    DeliveryInterrupted,
    FetchFailed,
    FetchInterrupted,
    FileTooLarge,
    Forbidden,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    InvalidCursor,
    NameMissing,
    NoSuchRegion,
    NoSuchShot,
    NotApproved,
    NotFound,
    PreconditionFailed,
    SignInUnavailable,
    Unauthorized,
    UnknownLanguage,
    UrlNotAllowed,
)
from dubbing.errors.training import (
    AcceleratorMissing,
    BadDataset,
    CheckpointMismatch,
    ConsentMissing,
    CorruptShard,
    DecoderMissing,
    GateDataMissing,
    GateFailed,
    GoldenCheckFailed,
    InvalidSetting,
    LeakedReference,
    PlaceNotAllowed,
    PublishInProgress,
    TrainerUnavailable,
    TrainingDiverged,
    TrainingInterrupted,
    UnfitStart,
    UnknownRecipe,
    UnknownSetting,
)
from dubbing.errors.work import (
    ChunkFailed,
    DiskFull,
    EncodeFailed,
    EncryptionUnavailable,
    EndpointUnreachable,
    LeaseLost,
    ModelBroken,
    ModelUnavailable,
    ObjectMissing,
    OutOfMemory,
    ParityFailed,
    StoreUnavailable,
    TimedOut,
    WorkerDied,
)

__all__ = [
    "AcceleratorMissing",
    "BadDataset",
    "BadInput",
    "BadParts",
    "Cancelled",
    "CheckpointMismatch",
    "ChecksumMismatch",
    "ChunkFailed",
    "Conflict",
    "ConsentMissing",
    "CorruptShard",
    "DeadlineUnmeetable",
    "DecoderMissing",
    "DeliveryFailed",
    "DeliveryInterrupted",
    "DiskFull",
    "DublineError",
    "DurationMismatch",
    "EmptyMedia",
    "EncodeFailed",
    "EncryptionUnavailable",
    "EndpointUnreachable",
    "FaceUpsideDown",
    "FatalInput",
    "FetchFailed",
    "FetchInterrupted",
    "FileTooLarge",
    "Forbidden",
    "GateDataMissing",
    "GateFailed",
    "GoldenCheckFailed",
    "IdempotencyInProgress",
    "IdempotencyKeyReused",
    "InvalidCursor",
    "InvalidSamples",
    "InvalidSetting",
    "LeakedReference",
    "LeaseLost",
    "ModelBroken",
    "ModelUnavailable",
    "NameMissing",
    "NoFaceAnywhere",
    "NoSuchRegion",
    "NoSuchShot",
    "NoSuchTrack",
    "NoVideoStream",
    "NotAVideo",
    "NotApproved",
    "NotAudio",
    "NotFound",
    "ObjectMissing",
    "OutOfMemory",
    "Outage",
    "ParityFailed",
    "Permanent",
    "PictureChanges",
    "PlaceNotAllowed",
    "PreconditionFailed",
    "PublishInProgress",
    "ReadingsDiffer",
    "SignInUnavailable",
    "StoreUnavailable",
    "TimedOut",
    "TrainerUnavailable",
    "TrainingDiverged",
    "TrainingInterrupted",
    "Transient",
    "TruncatedMedia",
    "Unauthorized",
    "UnfitStart",
    "UnknownLanguage",
    "UnknownRecipe",
    "UnknownSetting",
    "UnsupportedChannels",
    "UnsupportedCodec",
    "UrlNotAllowed",
    "WorkerDied",
    "from_problem",
    "kinds",
]


def from_problem(problem: Mapping[str, Any]) -> DublineError:
    """The error that `DublineError.problem` described: of the kind that its code names, or of the root."""
    kind = next((kind for kind in kinds() if kind.code == problem.get("code")), DublineError)
    return kind(
        str(problem.get("detail", "")),
        where=dict(problem.get("where") or {}),
        suggestions=tuple(problem.get("suggestions") or ()),
        media=dict(problem.get("media") or {}),
    )


def kinds() -> list[type[DublineError]]:
    """Every class of this tree, each once, parents first."""
    found: list[type[DublineError]] = [DublineError]
    for kind in found:
        ours = [child for child in kind.__subclasses__() if child.__module__.startswith(f"{__name__}.")]
        found += [child for child in ours if child not in found]
    return found
