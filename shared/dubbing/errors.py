"""The tree of everything that can go wrong, with a stable code for each kind.

Two questions decide what happens next: may the same work succeed if tried again (`Transient`) or not (`Permanent`), and
is it the caller's input that must change (`BadInput`). The code is stored on the row and mapped to RFC 9457 in one place
in the API; the text is for people and may change.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(eq=False)
class DublineError(Exception):
    """Base of the tree.

    Attributes:
        detail: what was wrong, in one sentence, with the values that matter.
        where: where it was wrong: ``pointer`` (JSON pointer of the request field), ``frame``, ``timecode``, ``stage`` ...
        suggestions: what the reader can do, most likely first.
        media: measured facts (frame counts, milliseconds), machine-readable.
    """

    detail: str
    where: dict[str, Any] = field(default_factory=dict)
    suggestions: tuple[str, ...] = ()
    media: dict[str, Any] = field(default_factory=dict)

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on our side"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __str__(self) -> str:
        """The code and the sentence."""
        return f"{self.code}: {self.detail}"

    def problem(self) -> dict[str, Any]:
        """The error as the members of an RFC 9457 problem (without ``type`` and ``instance``)."""
        return {
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "retryable": self.retryable,
            "where": self.where,
            "suggestions": list(self.suggestions),
            "media": self.media,
        }


class Transient(DublineError):
    """The same work may succeed later: a service is down, a lease was lost, a slot is taken."""

    code = "temporarily_unavailable"
    title = "A part of the platform is not available right now"
    status = 503
    retryable = True


class Permanent(DublineError):
    """Trying again cannot help; the work fails with this error."""


class BadInput(Permanent):
    """The caller must change what was sent."""

    code = "invalid_request"
    title = "The request is not valid"
    status = 422


class NotFound(BadInput):
    """No such thing, or not for this caller."""

    code = "not_found"
    title = "Not found"
    status = 404


class Conflict(BadInput):
    """The thing is not in a state that allows this."""

    code = "conflict"
    title = "Not possible in the current state"
    status = 409


class IdempotencyKeyReused(BadInput):
    """The same Idempotency-Key came with another request."""

    code = "idempotency_key_reused"
    title = "The Idempotency-Key belongs to another request"


class IdempotencyInProgress(Conflict):
    """The first request with this Idempotency-Key is not answered yet."""

    code = "idempotency_in_progress"
    title = "The same request is still being answered"
    retryable = True


class Forbidden(BadInput):
    """The API key is valid, but may not do this."""

    code = "forbidden"
    title = "The API key lacks the scope for this"
    status = 403


class Unauthorized(BadInput):
    """No valid API key."""

    code = "unauthorized"
    title = "A valid API key is needed"
    status = 401


class NotAVideo(BadInput):
    """The file is no media that we can open."""

    code = "not_a_video"
    title = "The file is not a readable video"


class NotAudio(BadInput):
    """The file holds no sound that we can decode."""

    code = "no_audio_stream"
    title = "The file has no readable audio stream"


class NoVideoStream(BadInput):
    """The file opens, but holds no picture."""

    code = "no_video_stream"
    title = "The file has no video stream"


class UnsupportedCodec(BadInput):
    """The stream's codec or pixel format cannot be decoded here."""

    code = "unsupported_codec"
    title = "The codec is not supported"


class TruncatedMedia(BadInput):
    """The file ends before its streams do, or is damaged inside."""

    code = "truncated_media"
    title = "The file is truncated or damaged"


class EmptyMedia(BadInput):
    """The file is empty, or its stream has no frame or sample."""

    code = "empty_media"
    title = "The file is empty"


class DurationMismatch(BadInput):
    """Picture and sound differ in length, and the sync mode is strict."""

    code = "duration_mismatch"
    title = "Audio and video differ in length"


class NoFaceAnywhere(BadInput):
    """No frame of the video shows a face that can be tracked."""

    code = "no_face_anywhere"
    title = "No face was found in the video"


class ModelUnavailable(Transient):
    """The inference server does not serve the model now."""

    code = "model_unavailable"
    title = "The model is not available"


class StoreUnavailable(Transient):
    """The object store did not answer, or refused."""

    code = "store_unavailable"
    title = "The object store is not available"


class LeaseLost(Transient):
    """Another worker took the item over; what this one made is dropped."""

    code = "lease_lost"
    title = "The lease on this work was lost"


class TimedOut(Transient):
    """The work ran into its time limit."""

    code = "timed_out"
    title = "The work took too long"


class Cancelled(Permanent):
    """The job was cancelled by its owner."""

    code = "canceled"
    title = "The job was cancelled"
    status = 409


class ChecksumMismatch(BadInput):
    """The bytes that arrived are not the bytes that were announced."""

    code = "checksum_mismatch"
    title = "The checksum does not match"


class BadParts(BadInput):
    """The parts named do not make the file announced."""

    code = "bad_parts"
    title = "The parts do not match the upload"


class ObjectMissing(Permanent):
    """An object that should be in the store is not there."""

    code = "object_missing"
    title = "A stored object is missing"


class ChunkFailed(Permanent):
    """A chunk failed on every attempt."""

    code = "chunk_failed"
    title = "A chunk could not be generated"


class ParityFailed(Permanent):
    """The output does not match its source in frames, rate, size or sound; it is not delivered."""

    code = "parity_failed"
    title = "The output failed verification"


class EncodeFailed(Transient):
    """The encoder or muxer stopped: a full disk, a killed process. The same work may succeed elsewhere."""

    code = "encode_failed"
    title = "The output could not be written"


class UnknownRecipe(BadInput):
    """No trainer offers a recipe of this name."""

    code = "unknown_recipe"
    title = "There is no such recipe"


class UnknownSetting(BadInput):
    """The recipe has no setting of this name."""

    code = "unknown_setting"
    title = "There is no such setting"


class InvalidSetting(BadInput):
    """The value is of another type than the setting, or makes no sense for it."""

    code = "invalid_setting"
    title = "The value does not fit the setting"


class DecoderMissing(InvalidSetting):
    """The run's student is served with the quick decoder of an imported student, and none has been imported."""

    code = "decoder_missing"
    title = "No decoder has been imported"


class UnfitStart(BadInput):
    """The run that this one shall start from is missing, not finished, of another recipe, or of another shape."""

    code = "unfit_start"
    title = "The run cannot start from that one"


class PlaceNotAllowed(BadInput):
    """A setting names a file or folder of the trainer's machine that the operator has not opened to runs."""

    code = "place_not_allowed"
    title = "Runs may not read that place"


class PublishInProgress(Conflict):
    """Another run is being published as a version of the same model."""

    code = "publish_in_progress"
    title = "Another publish is under way"
    retryable = True


class TrainerUnavailable(Transient):
    """No trainer has said yet which recipes it offers."""

    code = "trainer_unavailable"
    title = "No trainer is there"


class TrainingInterrupted(Transient):
    """A process of the run died; the run goes on from its last checkpoint."""

    code = "training_interrupted"
    title = "The training was interrupted"


class ConsentMissing(BadInput):
    """Nobody said by what right the footage is used."""

    code = "consent_missing"
    title = "Footage needs a consent tag"


class BadDataset(BadInput):
    """The place given as a data set is none, is one of another kind, or has nothing that can be trained on."""

    code = "bad_dataset"
    title = "Not a usable data set"


class CorruptShard(Permanent):
    """A shard's bytes are not those that its manifest names."""

    code = "corrupt_shard"
    title = "A shard is damaged"


class LeakedReference(Permanent):
    """A sample's reference shows what the sample asks for."""

    code = "leaked_reference"
    title = "Reference and target overlap"


class DiskFull(Transient):
    """Nothing more can be written; what was finished stays, and the same work goes on from there."""

    code = "disk_full"
    title = "The disk is full"


class AcceleratorMissing(Permanent):
    """The recipe needs accelerators that this machine lacks."""

    code = "accelerator_missing"
    title = "The recipe needs an accelerator"


class CheckpointMismatch(Permanent):
    """The checkpoint belongs to another network, other data or another number of processes, or it is damaged."""

    code = "checkpoint_mismatch"
    title = "The checkpoint does not fit the run"


class TrainingDiverged(Permanent):
    """Too many steps in a row gave a loss that is no number."""

    code = "training_diverged"
    title = "The training diverged"


class GateDataMissing(Permanent):
    """The operator has named no footage that candidates of this preset could be measured on."""

    code = "gate_data_missing"
    title = "There is no footage to measure candidates on"


class GateFailed(Permanent):
    """The candidate is worse than the version that serves."""

    code = "gate_failed"
    title = "The candidate did not pass the gate"
    status = 409


class GoldenCheckFailed(Permanent):
    """The server generated something else from the candidate's weights than the trainer did."""

    code = "golden_check_failed"
    title = "The candidate failed its check in the server"


def kinds() -> list[type[DublineError]]:
    """Every class of this module's tree, each once, parents first."""
    found: list[type[DublineError]] = [DublineError]
    for kind in found:
        found += [child for child in kind.__subclasses__() if child.__module__ == __name__ and child not in found]
    return found
