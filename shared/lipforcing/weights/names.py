"""Names of tensors in upstream files -> the published names that ``lipforcing.network`` uses.

Wrappers prefix every name (``_core.`` the live student, ``model.`` the teacher, ``module.`` data parallel, ``net.`` a nested
checkpoint, ``base_model.`` an adapter). Base weights come with Wan's own names or with those of diffusers, where the norm
before cross-attention is called ``norm2``; it is ``norm3`` here.
"""

import re
from collections.abc import Iterable

from lipforcing.weights.errors import UnreadableWeightsError

_PREFIXES = ("_core.", "model.", "module.", "transformer.", "net.", "base_model.", "diffusion_model.")
_DIFFUSERS = ("condition_embedder.", ".attn1.", ".attn2.", ".ffn.net.")
_TO_NATIVE = tuple(
    (re.compile(pattern), native)
    for pattern, native in (
        (r"^condition_embedder\.time_embedder\.linear_1\.", "time_embedding.0."),
        (r"^condition_embedder\.time_embedder\.linear_2\.", "time_embedding.2."),
        (r"^condition_embedder\.text_embedder\.linear_1\.", "text_embedding.0."),
        (r"^condition_embedder\.text_embedder\.linear_2\.", "text_embedding.2."),
        (r"^condition_embedder\.time_proj\.", "time_projection.1."),
        (r"^scale_shift_table$", "head.modulation"),
        (r"^proj_out\.", "head.head."),
        (r"^(blocks\.\d+)\.scale_shift_table$", r"\1.modulation"),
        (r"^(blocks\.\d+)\.attn1\.", r"\1.self_attn."),
        (r"^(blocks\.\d+)\.attn2\.", r"\1.cross_attn."),
        (r"_attn\.to_([qkv])\.", r"_attn.\1."),
        (r"_attn\.to_out\.0\.", "_attn.o."),
        (r"\.ffn\.net\.0\.proj\.", ".ffn.0."),
        (r"\.ffn\.net\.2\.", ".ffn.2."),
    )
)
_SWAPPED = re.compile(r"^(blocks\.\d+)\.norm([23])\.")


def published_names(names: Iterable[str]) -> dict[str, str]:
    """Published name -> the file's name.

    Raises:
        UnreadableWeightsError: two names of the file mean the same tensor.
    """
    stripped = {name: _strip(name) for name in names}
    diffusers = any(mark in f".{name}" for name in stripped.values() for mark in _DIFFUSERS)
    published: dict[str, str] = {}
    for name, plain in stripped.items():
        target = _from_diffusers(plain) if diffusers else plain
        if target in published:
            raise UnreadableWeightsError(f"{published[target]} and {name} are both {target}")
        published[target] = name
    return published


def _strip(name: str) -> str:
    while prefix := next((prefix for prefix in _PREFIXES if name.startswith(prefix)), ""):
        name = name.removeprefix(prefix)
    return name


def _from_diffusers(name: str) -> str:
    name = _SWAPPED.sub(lambda found: f"{found[1]}.norm{5 - int(found[2])}.", name)
    for pattern, native in _TO_NATIVE:
        name = pattern.sub(native, name)
    return name
