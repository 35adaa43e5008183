from pathlib import Path

import pytest
import torch
from weights_files import State, imported, prefixed, random_state, same, save_pickle

from lipforcing.weights.errors import KeyMismatchError, UnreadableWeightsError
from lipforcing.weights.names import published_names


@pytest.fixture
def state() -> State:
    return random_state()


def to_diffusers(name: str) -> str:
    """Independent of the product's table: the inverse, written name by name."""
    swaps = [
        ("time_embedding.0", "condition_embedder.time_embedder.linear_1"),
        ("time_embedding.2", "condition_embedder.time_embedder.linear_2"),
        ("text_embedding.0", "condition_embedder.text_embedder.linear_1"),
        ("text_embedding.2", "condition_embedder.text_embedder.linear_2"),
        ("time_projection.1", "condition_embedder.time_proj"),
        ("head.modulation", "scale_shift_table"),
        ("head.head", "proj_out"),
        (".modulation", ".scale_shift_table"),
        ("self_attn.o", "attn1.to_out.0"),
        ("cross_attn.o", "attn2.to_out.0"),
        (".norm3", ".norm2"),
        ("ffn.0", "ffn.net.0.proj"),
        ("ffn.2", "ffn.net.2"),
    ]
    for ours, theirs in swaps:
        if ours in name:
            return name.replace(ours, theirs)
    for letter in "qkv":
        name = name.replace(f"self_attn.{letter}.", f"attn1.to_{letter}.").replace(
            f"cross_attn.{letter}.", f"attn2.to_{letter}."
        )
    return name.replace("self_attn.", "attn1.").replace("cross_attn.", "attn2.")


def test_diffusers_names_are_translated_with_the_norms_swapped(state: State, tmp_path: Path) -> None:
    theirs = {to_diffusers(name): tensor for name, tensor in state.items()}
    assert "blocks.0.norm2.weight" in theirs
    assert "blocks.3.attn2.to_out.0.bias" in theirs
    assert same(imported(save_pickle(prefixed(theirs, "transformer."), tmp_path)), state)


def test_in_diffusers_names_norm3_is_not_the_affine_norm() -> None:
    assert published_names(["blocks.1.norm3.weight", "blocks.1.attn1.to_q.weight"]) == {
        "blocks.1.norm2.weight": "blocks.1.norm3.weight",
        "blocks.1.self_attn.q.weight": "blocks.1.attn1.to_q.weight",
    }


def test_two_names_for_one_tensor_are_refused(state: State, tmp_path: Path) -> None:
    with pytest.raises(UnreadableWeightsError, match=r"are both head\.head\.bias"):
        imported(save_pickle({**state, "_core.head.head.bias": state["head.head.bias"]}, tmp_path))


def test_every_difference_is_listed(state: State, tmp_path: Path) -> None:
    del state["blocks.0.modulation"], state["blocks.3.ffn.2.bias"]
    state["extra.one"], state["extra.two"] = torch.zeros(1), torch.zeros(1)
    state["head.head.bias"], state["patch_embedding.weight"] = torch.zeros(3), torch.zeros(16, 70, 1, 2, 2)
    with pytest.raises(KeyMismatchError) as caught:
        imported(save_pickle(state, tmp_path))
    assert caught.value.missing == ["blocks.0.modulation", "blocks.3.ffn.2.bias"]
    assert caught.value.unknown == ["extra.one", "extra.two"]
    assert caught.value.misshaped == [
        "head.head.bias: (3,), not (64,)",
        "patch_embedding.weight: (16, 70, 1, 2, 2), not (16, 65, 1, 2, 2)",
    ]
    assert all(name in str(caught.value) for name in ("blocks.0.modulation", "extra.two", "head.head.bias"))
