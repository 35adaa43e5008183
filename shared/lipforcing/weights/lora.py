"""Low-rank adapters (rank 128, alpha 64 in the release): W <- W + (alpha / rank) · B A.

The sum is made in float32 and rounded once to the weight's type; the reference multiplies and adds in bf16, which it notes
to move the outputs by up to 0.19. Two key forms are read, plain (``x.lora_A.weight``) and as PEFT injects it
(``x.lora_A.default.weight``, with the wrapped weight at ``x.base_layer.weight``).

Legend: O outputs, I inputs, R rank.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor

from lipforcing.weights.errors import KeyMismatchError

ALPHA = 64.0
_FACTOR = re.compile(r"^(?P<layer>.+)\.lora_(?P<side>[AB])(\.default)?\.weight$")
_BASE = ".base_layer."


@dataclass(frozen=True, slots=True)
class Adapter:
    """Names in the file of one layer's two factors: A [R, I] and B [O, R]."""

    a: str
    b: str


def plain_name(name: str) -> str:
    """The name of a wrapped layer's own tensor without the wrapper."""
    return name.replace(_BASE, ".")


def adapters_in(names: Iterable[str]) -> dict[str, Adapter]:
    """Adapters by the weight that they change.

    Raises:
        KeyMismatchError: a factor without its partner.
    """
    sides: dict[str, dict[str, str]] = {}
    for name in names:
        if found := _FACTOR.match(name):
            sides.setdefault(f"{found['layer']}.weight", {})[found["side"]] = name
    halves = [name for pair in sides.values() if len(pair) == 1 for name in pair.values()]
    if halves:
        partners = [_partner(name) for name in halves]
        raise KeyMismatchError("an adapter with both factors of every layer", (), partners, ())
    return {weight: Adapter(pair["A"], pair["B"]) for weight, pair in sides.items()}


def check_fit(name: str, weight: tuple[int, ...], a: tuple[int, ...], b: tuple[int, ...]) -> None:
    """Refuse factors whose shapes do not make up the weight's.

    Raises:
        KeyMismatchError: they do not.
    """
    if len(a) != 2 or len(b) != 2 or (b[0], a[1]) != weight or b[1] != a[0]:
        raise KeyMismatchError("an adapter of this model", (), (), [f"{name} {weight}: A {a}, B {b}"])


def merge(weight_OI: Tensor, a_RI: Tensor, b_OR: Tensor, alpha: float = ALPHA) -> Tensor:
    """The merged weight, in float32."""
    return weight_OI.float().addmm(b_OR.float(), a_RI.float(), alpha=alpha / a_RI.shape[0])


def _partner(name: str) -> str:
    return name.replace(".lora_A.", ".lora_?.").replace(".lora_B.", ".lora_A.").replace(".lora_?.", ".lora_B.")
