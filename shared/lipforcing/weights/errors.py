"""What can be wrong with weights, each with a stable code and a sentence that says what to do."""

from collections.abc import Sequence
from typing import ClassVar


class WeightsError(ValueError):
    """Base of everything that this package raises about files it was given."""

    code: ClassVar[str] = "weights_invalid"


class UnreadableWeightsError(WeightsError):
    """The file is no container that we read, is cut short, or asks to run code."""

    code: ClassVar[str] = "weights_unreadable"


class DigestMismatchError(WeightsError):
    """The bytes are not the ones that the manifest or the publisher names."""

    code: ClassVar[str] = "weights_digest_mismatch"


class FetchError(WeightsError):
    """A download did not arrive."""

    code: ClassVar[str] = "weights_fetch_failed"


class KeyMismatchError(WeightsError):
    """The file's tensors are not those of the model; every difference is listed.

    Attributes:
        unknown: tensors of the file that the model does not have.
        missing: tensors of the model that the file does not have.
        misshaped: ``name: shape in the file, not shape of the model``.
    """

    code: ClassVar[str] = "weights_key_mismatch"

    def __init__(self, model: str, unknown: Sequence[str], missing: Sequence[str], misshaped: Sequence[str]) -> None:
        self.unknown, self.missing, self.misshaped = sorted(unknown), sorted(missing), sorted(misshaped)
        parts = [f"these are not the weights of {model}:"]
        for title, names in (("unknown", self.unknown), ("missing", self.missing), ("misshaped", self.misshaped)):
            parts += [f"  {title} ({len(names)}):", *(f"    {name}" for name in names)] if names else []
        super().__init__("\n".join(parts))
