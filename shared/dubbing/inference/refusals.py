"""What a model's refusal means for the work: decided by stable codes, never by the words of a message.

A message of our own backend begins with a code (`lipforcing.contract.Refusal`). One without a code is the inference server's,
and its gRPC status decides.
"""

from collections.abc import Callable

from tritonclient.utils import InferenceServerException

from dubbing.errors import ChunkFailed, DublineError, ModelBroken, ModelUnavailable, OutOfMemory
from lipforcing.contract import Refusal

_MEANINGS: dict[Refusal, type[DublineError]] = {
    Refusal.INVALID_BLOCK: ChunkFailed,
    Refusal.STALE_BLOCK: ModelUnavailable,
    Refusal.UNAVAILABLE: ModelUnavailable,
    Refusal.CANCELLED: ModelUnavailable,
    Refusal.NON_FINITE_OUTPUT: ChunkFailed,
    Refusal.OUT_OF_MEMORY: OutOfMemory,
    Refusal.DEVICE_LOST: ModelBroken,
    Refusal.BLOCK_FAILED: ChunkFailed,
}
# The server refuses what does not fit the model's configuration; all else is a server that is away, starting, full or unwell.
_UNFIT = ("INVALID_ARGUMENT", "UNIMPLEMENTED", "OUT_OF_RANGE", "FAILED_PRECONDITION")
_LATER = ("the work is tried again by itself", "see `dubline status` and the inference server's log")
_ADVICE: dict[type[DublineError], tuple[str, ...]] = {
    ChunkFailed: ("look at the inference server's log for this model", "check that the model's weights are intact"),
    OutOfMemory: (
        "the work is tried again by itself",
        "give the model fewer slots: max_candidate_sequences in its config.pbtxt",
    ),
}


def from_backend(model: str, message: str) -> DublineError | None:
    """The error that a message of our backend stands for; None when it bears no code of ours."""
    code, colon, _ = message.partition(": ")
    if not colon or code not in set(Refusal):
        return None
    return _error(_MEANINGS[Refusal(code)], model, f"{model} refused the request: {message.strip()}")


def from_server(model: str, url: str, error: InferenceServerException, *, going_on: bool) -> DublineError:
    """The error that a failed request stands for.

    Args:
        model: that was asked.
        url: where.
        error: what the client raised.
        going_on: the request continues a sequence that the server has accepted before. When it finds nothing wrong with the
            first block and then refuses a later one, which has the same shape, it has been restarted and knows no sequence.
    """
    message, _, _ = str(error.message() or "").partition("\n\nAt:\n")  # what a model raised; its stack is for the log
    if (known := from_backend(model, message)) is not None:
        return known
    status = str(error.status() or "").rpartition(".")[2]
    if status in _UNFIT and not going_on:
        return _error(ChunkFailed, model, f"{model} refused the request: {message.strip()}")
    # Every error inside our backend has a code, so one without is not its doing: its process has died.
    kind = ModelBroken if status == "INTERNAL" else ModelUnavailable
    return _error(kind, model, f"{model} at {url} does not answer: {message.strip() or status or 'no reason given'}")


def is_answer(error: InferenceServerException) -> bool:
    """Whether the server itself said no; else it is away, or has not come to the request."""
    return str(error.status() or "").rpartition(".")[2] not in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "UNKNOWN")


def unavailable(model: str, url: str, reason: str) -> DublineError:
    """A model that is not served now."""
    return _error(ModelUnavailable, model, f"{model} at {url} does not answer: {reason.strip() or 'no reason given'}")


def _error(kind: Callable[..., DublineError], model: str, detail: str) -> DublineError:
    suggestions = next((advice for of, advice in _ADVICE.items() if of is kind), _LATER)
    return kind(detail, where={"stage": "generating", "model": model}, suggestions=suggestions)
