"""What goes wrong with calls, media, jobs and the parts of the platform."""

from dubbing.errors.base import BadInput, Outage, Permanent, Transient


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


class ModelUnavailable(Outage):
    """The inference server does not serve the model now: it is away, has no free slot, or has forgotten the sequence."""

    code = "model_unavailable"
    title = "The model is not available"


class ModelBroken(ModelUnavailable):
    """The model's process died, or its device was lost: it serves again when it has been loaded again."""

    code = "model_broken"
    title = "The model's process died"


class OutOfMemory(Transient):
    """The model had no memory left for the request."""

    code = "out_of_memory"
    title = "The model ran out of memory"


class StoreUnavailable(Outage):
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
