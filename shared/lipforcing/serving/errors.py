"""What can be wrong with one block, each with the stable code by which the client tries again or gives up."""

from typing import ClassVar

import torch

from lipforcing.contract import Refusal
from lipforcing.serving import gpu


class ServingError(Exception):
    """Base of the refusals; one block failed, every other sequence is unharmed."""

    code: ClassVar[Refusal] = Refusal.BLOCK_FAILED

    def __str__(self) -> str:
        """``code: what was wrong``, which is all that crosses the wire."""
        return f"{self.code}: {self.args[0]}"


class InvalidBlockError(ServingError):
    """Wrong shape, dtype or value; the same block will fail again."""

    code = Refusal.INVALID_BLOCK


class StaleBlockError(ServingError):
    """Not the block that its sequence expects: unknown sequence, foreign nonce, duplicate or out of order."""

    code = Refusal.STALE_BLOCK


class UnavailableError(ServingError):
    """No slot is free; the chunk may be tried again later."""

    code = Refusal.UNAVAILABLE


class CancelledError(ServingError):
    """The client is gone; its slot is free again."""

    code = Refusal.CANCELLED


class NonFiniteOutputError(ServingError):
    """The network or the decoder produced a value that is no number; the slot is freed and nothing is returned."""

    code = Refusal.NON_FINITE_OUTPUT


class BlockFailedError(ServingError):
    """The batch that the block was in broke; its slot is freed."""

    code = Refusal.BLOCK_FAILED


class OutOfMemoryServingError(BlockFailedError):
    """It broke because no memory was left."""

    code = Refusal.OUT_OF_MEMORY


class DeviceLostError(BlockFailedError):
    """It broke because the device did; nothing can be computed in this process any more."""

    code = Refusal.DEVICE_LOST


def failure(error: Exception, device: torch.device) -> BlockFailedError:
    """What broke a request on ``device``: no memory, the device itself, or anything else."""
    text = f"{type(error).__name__}: {error}"
    # For memory of the CPU torch raises a bare RuntimeError; its allocator's name is all that it can be known by.
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "DefaultCPUAllocator: can't allocate memory" in text:
        return OutOfMemoryServingError(text)
    return (BlockFailedError if gpu.answers(device) else DeviceLostError)(text)
