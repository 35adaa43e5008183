"""What a refusal means is decided by its code, and without one by the server's status; never by its words."""

import pytest
import torch
from recorder import rehearsal
from tritonclient.utils import InferenceServerException

from dubbing.errors import ChunkFailed, DublineError, ModelBroken, ModelUnavailable, Outage, OutOfMemory, Permanent
from dubbing.inference.refusals import from_server
from lipforcing.contract import Refusal
from lipforcing.serving import errors as serving
from lipforcing.serving.errors import ServingError, failure

MODEL, CPU = "lip_student_tiny", torch.device("cpu")
MEANINGS = {
    Refusal.INVALID_BLOCK: ChunkFailed,
    Refusal.STALE_BLOCK: ModelUnavailable,
    Refusal.UNAVAILABLE: ModelUnavailable,
    Refusal.CANCELLED: ModelUnavailable,
    Refusal.NON_FINITE_OUTPUT: ChunkFailed,
    Refusal.OUT_OF_MEMORY: OutOfMemory,
    Refusal.DEVICE_LOST: ModelBroken,
    Refusal.BLOCK_FAILED: ChunkFailed,
}
KINDS = [kind for kind in vars(serving).values() if isinstance(kind, type) and issubclass(kind, ServingError)]


def refused(message: str, status: str, *, going_on: bool = False) -> DublineError:
    error = InferenceServerException(message, f"StatusCode.{status}")
    return from_server(MODEL, "127.0.0.1:9", error, going_on=going_on)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", ["INTERNAL", "UNAVAILABLE", "INVALID_ARGUMENT"])
@pytest.mark.parametrize("going_on", [True, False])
def test_a_code_of_the_backend_decides_whatever_the_status_and_the_words(
    kind: type[ServingError], status: str, going_on: bool
) -> None:
    found = refused(str(kind("no sequence has a free slot, out of memory")), status, going_on=going_on)
    assert type(found) is MEANINGS[kind.code]
    assert found.where == {"stage": "generating", "model": MODEL}


def test_every_code_has_a_meaning_and_a_kind_of_error() -> None:
    assert {kind.code for kind in KINDS} == set(Refusal) == set(MEANINGS)


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        ("INTERNAL", ModelBroken),
        ("UNAVAILABLE", ModelUnavailable),
        ("NOT_FOUND", ModelUnavailable),
        ("DEADLINE_EXCEEDED", ModelUnavailable),
        ("CANCELLED", ModelUnavailable),
        ("UNKNOWN", ModelUnavailable),
        ("INVALID_ARGUMENT", ChunkFailed),
    ],
)
def test_without_a_code_the_servers_status_decides(status: str, wanted: type[DublineError]) -> None:
    words = "the sequence has no slot"
    assert type(refused(words, status)) is wanted


def test_a_server_that_refuses_a_later_block_has_forgotten_the_sequence() -> None:
    found = refused("must specify the START flag", "INVALID_ARGUMENT", going_on=True)
    assert type(found) is ModelUnavailable
    assert isinstance(found, Outage)


def test_words_that_look_like_a_code_are_none() -> None:
    assert type(refused("unavailability: total", "INVALID_ARGUMENT")) is ChunkFailed
    assert type(refused("inference request: unavailable: no", "INVALID_ARGUMENT")) is ChunkFailed


def test_what_a_model_raised_is_told_without_its_stack() -> None:
    found = refused("Failed to process: RuntimeError: no room\n\nAt:\n  /opt/model.py(7): execute\n", "INTERNAL")
    assert found.detail.endswith("Failed to process: RuntimeError: no room")


def test_of_what_breaks_inside_a_block_memory_and_the_device_pass_and_all_else_is_permanent() -> None:
    assert failure(torch.OutOfMemoryError("CUDA out of memory"), CPU).code is Refusal.OUT_OF_MEMORY
    assert failure(MemoryError(), CPU).code is Refusal.OUT_OF_MEMORY
    with pytest.raises(RuntimeError) as full:
        torch.empty(1 << 50, dtype=torch.uint8)
    assert failure(full.value, CPU).code is Refusal.OUT_OF_MEMORY
    with rehearsal() as recorder:
        recorder.lost = True
        assert failure(torch.AcceleratorError("unspecified launch failure"), CPU).code is Refusal.DEVICE_LOST
    broken = failure(RuntimeError("mat1 and mat2 shapes cannot be multiplied (CUDA out of memory)"), CPU)
    assert broken.code is Refusal.BLOCK_FAILED
    assert issubclass(MEANINGS[broken.code], Permanent)
