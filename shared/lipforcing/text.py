"""The prompt: the product speaks one fixed sentence to the model, so its embedding is a constant kept with the weights.

Upstream files hold the embedding as a tensor [512, 4096] or [1, 512, 4096], or as a dictionary with it under ``context``,
``text_emb`` or ``prompt_emb`` (else its only entry). Where there is no such file, UMT5-XXL makes it once.

Choices:
- Rows behind the prompt's last token are zero; the student sees all 512 (there is no mask).
- UMT5 runs in fp32, as the reference does; the result is rounded to bf16 once.

Legend: L text tokens (512), E width (4096).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

PROMPT = "a person talking"
TEXT_LEN = 512
_KEYS = ("context", "text_emb", "prompt_emb")


def pick_embedding(tensors: Mapping[str, Tensor], shape: tuple[int, int]) -> Tensor:
    """The embedding [L, E] in a file's tensors (a lone tensor is named by the empty string).

    Raises:
        ValueError: none of the tensors can be meant, or it has another shape or a non-finite value.
    """
    name = next((key for key in ("", *_KEYS) if key in tensors), next(iter(tensors)) if len(tensors) == 1 else None)
    if name is None:
        raise ValueError(f"no text embedding among {sorted(tensors)}; expected one of {', '.join(_KEYS)}")
    embedding = tensors[name]
    if tuple(embedding.shape) not in (shape, (1, *shape)):
        raise ValueError(f"a text embedding of this model has shape {shape} or {(1, *shape)}, not {tuple(embedding.shape)}")
    if not torch.isfinite(embedding).all():
        raise ValueError("the text embedding holds a value that is not finite")
    return embedding.reshape(shape)


def encode_prompt(encoder: Any, tokenizer: Any, prompt: str = PROMPT, length: int = TEXT_LEN) -> Tensor:
    """The embedding [L, E] of a prompt, in bf16.

    Args:
        encoder: a ``transformers.UMT5EncoderModel``.
        tokenizer: its tokenizer.
        prompt: cleaned of repeated white space first.
        length: tokens to pad or cut to.
    """
    cleaned = re.sub(r"\s+", " ", prompt).strip()
    batch = tokenizer(cleaned, padding="max_length", truncation=True, max_length=length, return_tensors="pt")
    with torch.inference_mode():
        hidden_1LE: Tensor = encoder(batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
    kept_LE = torch.where(batch["attention_mask"][0, :, None].bool(), hidden_1LE[0], 0.0)
    return kept_LE.to(torch.bfloat16)


def load_umt5(weights: Mapping[str, Tensor], tokenizer: Path, **sizes: int) -> tuple[Any, Any]:
    """UMT5-XXL's encoder in fp32 (about 22.7 GB) and its tokenizer.

    Args:
        weights: the encoder's tensors by Wan's names.
        tokenizer: folder of the tokenizer.
        sizes: fields of ``transformers.UMT5Config`` that differ from the published model's; tests shrink it.

    Raises:
        ImportError: transformers is not installed; it comes with the extra ``weights``.
        ValueError: the tensors are not the encoder's; every difference is listed.
        OSError: the folder holds no tokenizer.
    """
    # Imported here: only who embeds a new prompt needs it, and it takes seconds to import.
    from transformers import AutoTokenizer, UMT5Config, UMT5EncoderModel  # noqa: PLC0415

    config = UMT5Config(**{**_UMT5_XXL, **sizes})
    with torch.device("meta"):
        encoder: Any = UMT5EncoderModel(config)
    state = {umt5_name(name): tensor.float() for name, tensor in weights.items()}
    # One matrix under two names.
    state["encoder.embed_tokens.weight"] = state.get("shared.weight", torch.empty(0))
    expected = {name: tensor.shape for name, tensor in encoder.state_dict().items()}
    wrong = sorted(
        name for name in expected.keys() | state.keys() if name not in state or expected.get(name) != state[name].shape
    )
    if wrong:
        raise ValueError(f"these are not the weights of the UMT5 encoder: {', '.join(wrong)}")
    encoder.load_state_dict(state, assign=True)
    return encoder.eval(), AutoTokenizer.from_pretrained(tokenizer, local_files_only=True)


def umt5_name(name: str) -> str:
    """Wan's name of a tensor of the text encoder -> the library's."""
    for pattern, replacement in _UMT5_NAMES:
        name = pattern.sub(replacement, name)
    return name


_UMT5_XXL: dict[str, Any] = {
    "vocab_size": 256_384, "d_model": 4096, "d_kv": 64, "d_ff": 10_240, "num_layers": 24, "num_heads": 64,
    "relative_attention_num_buckets": 32, "feed_forward_proj": "gated-gelu", "dropout_rate": 0.0,
}  # fmt: skip
_ATTENTION, _FEED_FORWARD = r"encoder.block.\1.layer.0.", r"encoder.block.\1.layer.1."
_UMT5_NAMES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^token_embedding\.", "shared."),
        (r"^norm\.", "encoder.final_layer_norm."),
        (r"^blocks\.(\d+)\.norm1\.", f"{_ATTENTION}layer_norm."),
        (r"^blocks\.(\d+)\.norm2\.", f"{_FEED_FORWARD}layer_norm."),
        (r"^blocks\.(\d+)\.attn\.", f"{_ATTENTION}SelfAttention."),
        (r"^blocks\.(\d+)\.pos_embedding\.embedding\.", f"{_ATTENTION}SelfAttention.relative_attention_bias."),
        (r"^blocks\.(\d+)\.ffn\.gate\.0\.", f"{_FEED_FORWARD}DenseReluDense.wi_0."),
        (r"^blocks\.(\d+)\.ffn\.fc1\.", f"{_FEED_FORWARD}DenseReluDense.wi_1."),
        (r"^blocks\.(\d+)\.ffn\.fc2\.", f"{_FEED_FORWARD}DenseReluDense.wo."),
    )
)
