"""The tree of everything that can go wrong, with a stable code for each kind.

Two questions decide what happens next: may the same work succeed if tried again (`Transient`) or not (`Permanent`), and
is it the caller's input that must change (`BadInput`). The code is stored on the row and mapped to RFC 9457 in one place
in the API; the text is for people and may change.
"""

from dubbing.errors.base import (
    BadInput,
    DublineError,
    Outage,
    Permanent,
    Transient,
)
from dubbing.errors.training import (
    AcceleratorMissing,
    BadDataset,
    CheckpointMismatch,
    ConsentMissing,
    CorruptShard,
    DecoderMissing,
    DiskFull,
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
    BadParts,
    Cancelled,
    ChecksumMismatch,
    ChunkFailed,
    Conflict,
    DurationMismatch,
    EmptyMedia,
    EncodeFailed,
    Forbidden,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    LeaseLost,
    ModelBroken,
    ModelUnavailable,
    NoFaceAnywhere,
    NotAudio,
    NotAVideo,
    NotFound,
    NoVideoStream,
    ObjectMissing,
    OutOfMemory,
    ParityFailed,
    StoreUnavailable,
    TimedOut,
    TruncatedMedia,
    Unauthorized,
    UnsupportedCodec,
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
    "DecoderMissing",
    "DiskFull",
    "DublineError",
    "DurationMismatch",
    "EmptyMedia",
    "EncodeFailed",
    "Forbidden",
    "GateDataMissing",
    "GateFailed",
    "GoldenCheckFailed",
    "IdempotencyInProgress",
    "IdempotencyKeyReused",
    "InvalidSetting",
    "LeakedReference",
    "LeaseLost",
    "ModelBroken",
    "ModelUnavailable",
    "NoFaceAnywhere",
    "NoVideoStream",
    "NotAVideo",
    "NotAudio",
    "NotFound",
    "ObjectMissing",
    "OutOfMemory",
    "Outage",
    "ParityFailed",
    "Permanent",
    "PlaceNotAllowed",
    "PublishInProgress",
    "StoreUnavailable",
    "TimedOut",
    "TrainerUnavailable",
    "TrainingDiverged",
    "TrainingInterrupted",
    "Transient",
    "TruncatedMedia",
    "Unauthorized",
    "UnfitStart",
    "UnknownRecipe",
    "UnknownSetting",
    "UnsupportedCodec",
    "kinds",
]


def kinds() -> list[type[DublineError]]:
    """Every class of the tree that stands here, each once, parents first."""
    found: list[type[DublineError]] = [DublineError]
    for kind in found:
        found += [
            child for child in kind.__subclasses__() if child.__module__.startswith(f"{__name__}.") and child not in found
        ]
    return found
