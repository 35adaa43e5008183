"""What goes wrong while work is done."""

from dubbing.errors.base import Outage, Permanent, Transient


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


class WorkerDied(Transient):
    """The process that did the work was ended: by an operator, or because the machine had no memory left."""

    code = "worker_died"
    title = "The process that did the work ended"


class TimedOut(Transient):
    """The work ran into its time limit."""

    code = "timed_out"
    title = "The work took too long"


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
    """The encoder or muxer stopped, or was killed. The same work may succeed elsewhere."""

    code = "encode_failed"
    title = "The output could not be written"


class DiskFull(Outage):
    """Nothing more can be written; what was finished stays, and the same work goes on from there."""

    code = "disk_full"
    title = "The disk is full"


class EncryptionUnavailable(Outage):
    """No key is set that secrets of customers could be encrypted with, or none of those that are set fits."""

    code = "encryption_unavailable"
    title = "Secrets can be neither stored nor read"


class EndpointUnreachable(Transient):
    """A webhook endpoint could not be reached, or did not answer in time."""

    code = "endpoint_unreachable"
    title = "The webhook endpoint does not answer"
