"""``torch.compile`` where it pays: the chains of pointwise operations around the matrix products, fused into one kernel each.

A forward spends its time in matrix products and attention, whose kernels a compiler does not better, and beside them in norms,
modulation and rotation, each some passes over the hidden states where one would do. Those three are compiled, nothing else: the
rest of a block writes into the K/V buffers of whichever slots are in the batch, and compiling that would specialise on the
slots and compile again for every combination (the published code's whole-model compile was 50 times slower for such reasons).
CUDA graphs take away the launches; this takes away the passes. Applied from outside: network and cache know nothing of it.
FP8 needs it: what surrounds its products is compiled wherever there is a GPU (``serving.fp8``).

Off otherwise, unless ``parameters { key: "compile" value { string_value: "true" } }`` stands in a model's config.pbtxt. The
compiler writes code for a C++ compiler or, on a GPU, for Triton's; where those are absent the student runs as it is, and says
so.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from lipforcing.blocks import ModulatedNorm, RMSNorm
from lipforcing.cache import StreamCache
from lipforcing.network import LipNetwork
from lipforcing.rope import rotate

Backend = str | Callable[..., Any]
BACKEND: Backend = "inductor"


def compile_pointwise(network: LipNetwork, cache: StreamCache, backend: Backend | None = None) -> str:
    """Compile a student's norms, modulation and rotation, after a trial on its own device.

    Args:
        network: changed in place; the numbers stay those of the eager network up to the last bits.
        cache: whose rotation is compiled with it.
        backend: of ``torch.compile``; ``BACKEND`` by default.

    Returns:
        Why nothing was compiled; empty when it was.
    """
    rotation = torch.compile(rotate, backend=backend or BACKEND)
    norm = RMSNorm(network.config.dim, network.config.eps).to(device=network.device, dtype=network.dtype)
    x_BSHC = cache.keys[0][:1, : cache.block_tokens].clone()

    def trial() -> None:
        norm(x_BSHC.flatten(2))
        rotation(x_BSHC, cache.angles.tokens(0, cache.block_tokens))

    parts = [part for part in network.modules() if isinstance(part, ModulatedNorm | RMSNorm)]
    refusal = compile_parts([norm, *parts], trial, backend)
    if not refusal:
        cache.rotate = rotation
    return refusal


def compile_parts(parts: Sequence[nn.Module], trial: Callable[[], object], backend: Backend | None = None) -> str:
    """Compile modules in place, unless ``trial``, which runs some of them, fails; returns why nothing was compiled."""
    for part in parts:
        part.compile(backend=backend or BACKEND)
    try:
        with torch.inference_mode():
            trial()
    except Exception as error:  # noqa: BLE001 - whatever a compiler finds wrong with a machine, the student serves on
        for part in parts:
            part._compiled_call_impl = None  # noqa: SLF001 - the only way back
        # The compiler's own words, without its wrapper's.
        cause = getattr(error, "inner_exception", error)
        return f"nothing was compiled ({type(cause).__name__}: {str(cause).strip().partition(chr(10))[0]})"
    return ""
