"""What can be wrong with one block, each with a stable code that the client maps to retry or give up."""

from typing import ClassVar


class ServingError(Exception):
    """Base of the refusals; one block failed, every other sequence is unharmed."""

    code: ClassVar[str] = "serving_error"

    def __str__(self) -> str:
        """``code: what was wrong``, which is all that crosses the wire."""
        return f"{self.code}: {self.args[0]}"


class InvalidBlockError(ServingError):
    """Wrong shape, dtype or value; the same block will fail again."""

    code = "invalid_block"


class StaleBlockError(ServingError):
    """Not the block that its sequence expects: unknown sequence, foreign nonce, duplicate or out of order."""

    code = "stale_block"


class UnavailableError(ServingError):
    """No slot is free; the chunk may be tried again later."""

    code = "unavailable"


class CancelledError(ServingError):
    """The client is gone; its slot is free again."""

    code = "cancelled"


class NonFiniteOutputError(ServingError):
    """The network or the decoder produced a value that is no number; the slot is freed and nothing is returned."""

    code = "non_finite_output"


class BlockFailedError(ServingError):
    """The batch that the block was in broke (out of memory, device error); its slot is freed."""

    code = "block_failed"
