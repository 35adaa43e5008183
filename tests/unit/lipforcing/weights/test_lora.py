from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from weights_files import State, imported, prefixed, random_state, same, save_pickle

from lipforcing.weights.errors import KeyMismatchError


@pytest.fixture
def state() -> State:
    return random_state()


TARGETS = ("blocks.1.self_attn.q.weight", "blocks.2.cross_attn.o.weight", "blocks.3.ffn.0.weight", "blocks.0.ffn.2.weight")


def adapter(state: State, form: str, rank: int = 4) -> State:
    torch.manual_seed(9)
    factors = {}
    for name in TARGETS:
        out, into = state[name].shape
        layer = name.removesuffix(".weight")
        factors[f"{layer}.lora_A{form}.weight"] = torch.randn(rank, into).to(torch.bfloat16)
        factors[f"{layer}.lora_B{form}.weight"] = torch.randn(out, rank).to(torch.bfloat16)
    return factors


def merged_by_hand(state: State, factors: State, form: str, alpha: float, rank: int = 4) -> State:
    expected = dict(state)
    for name in TARGETS:
        layer = name.removesuffix(".weight")
        a, b = (factors[f"{layer}.lora_{side}{form}.weight"].double() for side in "AB")
        expected[name] = state[name].double() + alpha / rank * (b @ a)
    return expected


@pytest.mark.parametrize("form", ["", ".default"])
@pytest.mark.parametrize("alpha", [64.0, 2.0])
def test_an_adapter_is_merged_exactly_and_rounded_once(form: str, alpha: float, state: State, tmp_path: Path) -> None:
    factors = adapter(state, form)
    save_file(prefixed(factors, "model."), tmp_path / "lora.safetensors")
    got = imported(save_pickle(state, tmp_path), tmp_path / "lora.safetensors", alpha)
    expected = merged_by_hand(state, factors, form, alpha)
    for name, tensor in expected.items():
        assert got[name].dtype == torch.bfloat16
        rounded = tensor.to(torch.bfloat16)
        # Half a unit in the last place is all that one rounding may cost; fp32 sums may fall on the other side of a tie.
        assert (got[name].double() - tensor.double()).abs().max() <= (rounded.double() - tensor.double()).abs().max() + 1e-5
    assert not same(got, state)


def test_a_student_with_injected_adapters_is_merged_with_itself(state: State, tmp_path: Path) -> None:
    factors = adapter(state, ".default")
    wrapped = {
        (name.replace(".weight", ".base_layer.weight").replace(".bias", ".base_layer.bias"))
        if f"{name.rsplit('.', 1)[0]}.weight" in TARGETS
        else name: tensor
        for name, tensor in state.items()
    }
    assert "blocks.1.self_attn.q.base_layer.bias" in wrapped
    got = imported(save_pickle(prefixed({**wrapped, **factors}, "_core."), tmp_path))
    expected = merged_by_hand(state, factors, ".default", 64.0)
    assert all(torch.allclose(got[name].double(), expected[name].double(), rtol=2**-8, atol=1e-5) for name in expected)


def test_a_base_is_completed_by_its_adapter_and_its_patches_widened_by_zeros(state: State, tmp_path: Path) -> None:
    base = {name: tensor for name, tensor in state.items() if not name.startswith("audio_")}
    base["patch_embedding.weight"] = state["patch_embedding.weight"][:, :16].clone()
    trained = {name: tensor for name, tensor in state.items() if name.startswith("audio_")}
    (tmp_path / "base").mkdir()
    torch.save({**trained, **adapter(state, "")}, tmp_path / "lora.pt")
    got = imported(save_pickle(base, tmp_path / "base"), tmp_path / "lora.pt")
    assert torch.equal(got["patch_embedding.weight"][:, :16], base["patch_embedding.weight"])
    assert not got["patch_embedding.weight"][:, 16:].any()
    assert torch.equal(got["audio_proj.proj.weight"], state["audio_proj.proj.weight"])
    torch.save({**trained, "patch_embedding.weight": state["patch_embedding.weight"]}, tmp_path / "full.pt")
    full = imported(tmp_path / "base" / "student.pth", tmp_path / "full.pt")
    assert torch.equal(full["patch_embedding.weight"], state["patch_embedding.weight"])


def test_a_base_without_its_adapter_lists_what_is_missing(state: State, tmp_path: Path) -> None:
    base = {name: tensor for name, tensor in state.items() if not name.startswith("audio_")}
    with pytest.raises(KeyMismatchError) as caught:
        imported(save_pickle(base, tmp_path))
    assert "audio_proj.proj.weight" in caught.value.missing


def test_adapters_that_do_not_fit_are_refused(state: State, tmp_path: Path) -> None:
    path = save_pickle(state, tmp_path)
    factors = adapter(state, "")
    half = {name: tensor for name, tensor in factors.items() if "ffn.0.lora_B" not in name}
    strange = {"blocks.9.ffn.0.lora_A.weight": torch.zeros(4, 16), "blocks.9.ffn.0.lora_B.weight": torch.zeros(24, 4)}
    wide = {**factors, "blocks.3.ffn.0.lora_A.weight": torch.zeros(4, 17)}
    for bad, says in ((half, "blocks.3.ffn.0.lora_B"), (strange, "blocks.9.ffn.0.weight"), (wide, "blocks.3.ffn.0.weight")):
        torch.save(bad, tmp_path / "lora.pt")
        with pytest.raises(KeyMismatchError, match=says):
            imported(path, tmp_path / "lora.pt")
