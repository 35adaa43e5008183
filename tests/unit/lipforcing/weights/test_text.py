import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from places import ROOT
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor, nn

from lipforcing.text import encode_prompt, load_umt5
from lipforcing.weights.errors import UnreadableWeightsError
from lipforcing.weights.importer import import_text

SMALL = {"vocab_size": 12, "d_model": 16, "d_kv": 4, "d_ff": 24, "num_layers": 2, "num_heads": 4}


def theirs_to_wan(name: str) -> str:
    """Names of the text encoder in Wan's file, written out from the library's."""
    if name == "shared.weight":
        return "token_embedding.weight"
    if name == "encoder.final_layer_norm.weight":
        return "norm.weight"
    _, _, block, _, layer, rest = name.split(".", 5)
    wan = {
        "layer_norm.weight": f"norm{int(layer) + 1}.weight",
        "SelfAttention.relative_attention_bias.weight": "pos_embedding.embedding.weight",
        "DenseReluDense.wi_0.weight": "ffn.gate.0.weight",
        "DenseReluDense.wi_1.weight": "ffn.fc1.weight",
        "DenseReluDense.wo.weight": "ffn.fc2.weight",
    }
    return f"blocks.{block}.{wan.get(rest, rest.replace('SelfAttention', 'attn'))}"


@pytest.fixture
def library() -> nn.Module:
    from transformers import UMT5Config, UMT5EncoderModel  # noqa: PLC0415 - half a second in every process of a shared run

    torch.manual_seed(4)
    return UMT5EncoderModel(UMT5Config(**SMALL, feed_forward_proj="gated-gelu")).eval()


@pytest.fixture
def wan(library: nn.Module) -> dict[str, Tensor]:
    state = library.state_dict()
    return {theirs_to_wan(name): tensor for name, tensor in state.items() if name != "encoder.embed_tokens.weight"}


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415 - as above

    words = {"<pad>": 0, "</s>": 1, "<unk>": 2, "a": 3, "person": 4, "talking": 5}
    core = Tokenizer(models.WordLevel(words, unk_token="<unk>"))  # noqa: S106 - a word, not a secret
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="</s>").save_pretrained(tmp_path / "tok")  # noqa: S106
    return tmp_path / "tok"


def test_the_files_names_are_the_librarys_and_padding_rows_are_zero(
    library: nn.Module, wan: dict[str, Tensor], tokenizer: Path
) -> None:
    encoder, words = load_umt5(wan, tokenizer, **SMALL)
    embedding = encode_prompt(encoder, words, "  a  person\ttalking ", length=8)
    with torch.no_grad():
        expected = library(torch.tensor([[3, 4, 5]])).last_hidden_state[0]
    assert embedding.shape == (8, 16)
    assert embedding.dtype == torch.bfloat16
    assert torch.allclose(embedding[:3].float(), expected, rtol=2**-7, atol=1e-4)
    assert not embedding[3:].any()


def test_other_weights_are_listed_and_refused(wan: dict[str, Tensor], tokenizer: Path) -> None:
    del wan["blocks.1.attn.q.weight"]
    wan["extra"] = torch.zeros(1)
    with pytest.raises(ValueError, match=r"encoder\.block\.1\.layer\.0\.SelfAttention\.q\.weight, extra"):
        load_umt5(wan, tokenizer, **SMALL)


def test_importing_a_prompt_from_a_file_that_is_no_text_encoder_is_refused(tokenizer: Path, tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "t5.pth")
    with pytest.raises(UnreadableWeightsError, match="UMT5"):
        import_text(tmp_path / "t5.pth", tokenizer, tmp_path / "text.safetensors")
    assert not (tmp_path / "text.safetensors").exists()


@pytest.mark.slow
def test_importing_weights_does_not_wait_for_transformers() -> None:
    code = "import sys, lipforcing.weights.importer; sys.exit('transformers' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "shared")}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
