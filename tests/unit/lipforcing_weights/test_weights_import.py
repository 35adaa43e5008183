import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.distributed import checkpoint as dcp

from lipforcing.audio.wav2vec2 import Wav2Vec2Features
from lipforcing.network import LipNetwork
from lipforcing.presets import PRESETS, StudentConfig
from lipforcing.vae.taew import Taew
from lipforcing.vae.tiny import TinyCodec
from lipforcing.vae.wan import WanVae
from lipforcing.weights.__main__ import main
from lipforcing.weights.containers import open_container
from lipforcing.weights.errors import KeyMismatchError, UnreadableWeightsError, WeightsError
from lipforcing.weights.folder import load_tensors, read_manifest, split_parts
from lipforcing.weights.importer import (
    Part,
    import_student,
    student_part,
    taew_part,
    text_part,
    wan_part,
    wav2vec2_part,
)
from lipforcing.weights.names import published_names

MICRO = StudentConfig(dim=16, ffn=24, heads=2, layers=4, text_dim=8, text_len=2, audio_input=4, latent=4)
State = dict[str, Tensor]


def micro() -> LipNetwork:
    with torch.device("meta"):
        return LipNetwork(MICRO)


@pytest.fixture
def state() -> State:
    torch.manual_seed(1)
    return {name: torch.randn(tensor.shape).to(torch.bfloat16) for name, tensor in micro().state_dict().items()}


def made(part: Part) -> State:
    return {name: entry.make() for name, entry in part.items()}


def imported(path: Path, lora: Path | None = None, alpha: float = 64.0) -> State:
    opened = open_container(lora) if lora else None
    return made(student_part(open_container(path), opened, micro(), "14b", alpha))


def same(one: State, other: State) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def prefixed(state: State, prefix: str) -> State:
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


def save_pickle(content: Any, folder: Path) -> Path:
    torch.save(content, folder / "student.pth")
    return folder / "student.pth"


def save_distributed(state: State, folder: Path) -> Path:
    dcp.save(dict(state), checkpoint_id=folder, no_dist=True)
    return folder


def save_sibling(state: State, folder: Path) -> Path:
    (folder / "student.pth").write_bytes(b"holds the optimizer's state, which is not looked at")
    save_distributed(state, folder / "student.net_model")
    return folder / "student.pth"


def save_shards(state: State, folder: Path) -> Path:
    names = sorted(state)
    halves = {"a-1.safetensors": names[::2], "a-2.safetensors": names[1::2]}
    for file, part in halves.items():
        save_file({name: state[name] for name in part}, folder / file)
    index = {"weight_map": {name: file for file, part in halves.items() for name in part}}
    (folder / "a.safetensors.index.json").write_text(json.dumps(index))
    return folder


def save_safetensors(state: State, folder: Path) -> Path:
    save_file(state, folder / "anything.bin")
    return folder / "anything.bin"


FORMS: dict[str, Callable[[State, Path], Path]] = {
    "flat": save_pickle,
    "flat of before zip archives": lambda state, folder: (
        torch.save(state, folder / "old.pth", _use_new_zipfile_serialization=False) or folder / "old.pth"
    ),
    "net": lambda state, folder: save_pickle({"net": state, "step": 3}, folder),
    "model.net": lambda state, folder: save_pickle({"model": {"net": state}, "optimizer": {"lr": 1.0}}, folder),
    "live student": lambda state, folder: save_pickle(prefixed(state, "_core."), folder),
    "teacher": lambda state, folder: save_pickle(prefixed(state, "model."), folder),
    "data parallel": lambda state, folder: save_pickle(prefixed(state, "module._core."), folder),
    "distributed": save_distributed,
    "distributed, nested": lambda state, folder: save_distributed({"net": prefixed(state, "_core.")}, folder),  # type: ignore[dict-item]
    "sibling folder": save_sibling,
    "shards": save_shards,
    "safetensors under another name": save_safetensors,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_container_form_gives_the_same_tensors(form: str, state: State, tmp_path: Path) -> None:
    assert same(imported(FORMS[form](state, tmp_path)), state)


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


class Payload:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.canary}",)


@pytest.mark.parametrize("old", [False, True])
def test_a_pickle_that_would_run_code_is_refused_unopened(old: bool, state: State, tmp_path: Path) -> None:
    torch.save({**state, "payload": Payload(tmp_path / "canary")}, tmp_path / "a.pth", _use_new_zipfile_serialization=not old)
    with pytest.raises(UnreadableWeightsError, match="would run code"):
        open_container(tmp_path / "a.pth")
    assert not (tmp_path / "canary").exists()


def test_an_index_of_a_distributed_checkpoint_that_would_run_code_is_refused(state: State, tmp_path: Path) -> None:
    import pickle  # noqa: PLC0415 - to make the attack

    save_distributed(state, tmp_path / "ckpt")
    (tmp_path / "ckpt" / ".metadata").write_bytes(pickle.dumps(Payload(tmp_path / "canary")))
    with pytest.raises(UnreadableWeightsError, match="would run code"):
        open_container(tmp_path / "ckpt")
    assert not (tmp_path / "canary").exists()


def test_an_index_that_points_out_of_its_folder_is_refused(state: State, tmp_path: Path) -> None:
    save_distributed(state, tmp_path / "ckpt")
    index = tmp_path / "ckpt" / ".metadata"
    secret = tmp_path / "secret"
    secret.write_bytes(b"x")
    index.write_bytes(index.read_bytes().replace(b"__0_0.distcp", b"../secret\x00\x00\x00"))
    with pytest.raises(UnreadableWeightsError, match=r"not in the folder|cannot be read"):
        open_container(tmp_path / "ckpt")


@pytest.mark.parametrize("form", ["flat", "flat of before zip archives", "safetensors under another name"])
@pytest.mark.parametrize("part", [0, 3, 0.5, 0.99])
def test_a_file_that_is_cut_short_says_so(form: str, part: float, state: State, tmp_path: Path) -> None:
    path = FORMS[form](state, tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part) if part < 1 else int(part)])
    with pytest.raises(UnreadableWeightsError, match="fetch it again"):
        imported(path)


def test_a_distributed_checkpoint_that_is_cut_short_says_so(state: State, tmp_path: Path) -> None:
    save_distributed(state, tmp_path)
    (data,) = tmp_path.glob("*.distcp")
    data.write_bytes(data.read_bytes()[:5000])
    with pytest.raises(UnreadableWeightsError, match="fetch it again"):
        imported(tmp_path)


@pytest.mark.parametrize("content", [[1, 2], {"a": "text"}, {"net": {"w": 3}}])
def test_a_pickle_of_other_things_is_refused(content: Any, tmp_path: Path) -> None:
    with pytest.raises(UnreadableWeightsError):
        open_container(save_pickle(content, tmp_path))


def test_a_missing_file_and_a_folder_without_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableWeightsError, match="does not exist"):
        open_container(tmp_path / "none.pth")
    with pytest.raises(UnreadableWeightsError, match="neither"):
        open_container(tmp_path)


def test_a_lost_shard_is_named(state: State, tmp_path: Path) -> None:
    save_shards(state, tmp_path)
    (tmp_path / "a-2.safetensors").unlink()
    with pytest.raises(UnreadableWeightsError, match=r"absent: a-2\.safetensors"):
        open_container(tmp_path)


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


@pytest.mark.parametrize("shape", [(2, 8), (1, 2, 8)])
@pytest.mark.parametrize("wrap", [None, "context", "text_emb", "prompt_emb", "whatever"])
def test_every_form_of_a_text_embedding_is_read(shape: tuple[int, ...], wrap: str | None, tmp_path: Path) -> None:
    embedding = torch.randn(shape).to(torch.bfloat16)
    torch.save({wrap: embedding} if wrap else embedding, tmp_path / "text.pt")
    got = made(text_part(open_container(tmp_path / "text.pt"), (2, 8)))
    assert torch.equal(got["embedding"], embedding.reshape(2, 8))


@pytest.mark.parametrize(
    "content", [torch.zeros(3, 8), {"a": torch.zeros(2, 8), "b": torch.zeros(2, 8)}, torch.full((2, 8), float("nan"))]
)
def test_other_text_embeddings_are_refused(content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "text.pt")
    with pytest.raises(UnreadableWeightsError, match="embedding"):
        text_part(open_container(tmp_path / "text.pt"), (2, 8))


def hollow(module: torch.nn.Module, rename: Callable[[str], str] = str, dtype: torch.dtype = torch.float32) -> State:
    """Tensors of a module's full shapes that are one number on disk."""
    return {rename(name): torch.zeros(1, dtype=dtype).expand(tensor.shape) for name, tensor in module.state_dict().items()}


@pytest.mark.parametrize(("preset", "tensors", "parameters"), [("1.3b", 857, 1_421_383_840), ("14b", 1137, 14_294_081_696)])
def test_the_released_shapes_are_accepted(preset: str, tensors: int, parameters: int, tmp_path: Path) -> None:
    with torch.device("meta"):
        network = LipNetwork(PRESETS[preset])
    path = save_pickle(hollow(network, lambda name: f"_core.{name}", torch.bfloat16), tmp_path)
    part = student_part(open_container(path), None, network, preset, 64.0)
    assert len(part) == tensors
    assert sum(torch.Size(entry.spec[1]).numel() for entry in part.values()) == parameters
    assert {entry.spec[0] for entry in part.values()} == {torch.bfloat16}


def wav2vec2_file_name(name: str) -> str:
    return f"wav2vec2.{name}"


def test_the_encoders_of_the_release_are_accepted_and_their_read_out_is_left_out(tmp_path: Path) -> None:
    with torch.device("meta"):
        wan, taew, wav2vec2 = WanVae(), Taew(), Wav2Vec2Features()
    assert len(wan_part(open_container(save_pickle(hollow(wan), tmp_path)))) == 194
    assert len(wan_part(open_container(save_pickle({"model_state": hollow(wan, lambda n: f"model.{n}")}, tmp_path)))) == 194
    assert set(taew_part(open_container(save_pickle(hollow(taew, dtype=torch.float16), tmp_path)))) == set(taew.state_dict())
    extra = {"lm_head.weight": torch.zeros(2), "lm_head.bias": torch.zeros(2), "wav2vec2.masked_spec_embed": torch.zeros(768)}
    path = save_pickle({**hollow(wav2vec2, wav2vec2_file_name), **extra}, tmp_path)
    assert set(wav2vec2_part(open_container(path))) == set(wav2vec2.state_dict())
    with pytest.raises(KeyMismatchError, match=r"wav2vec2-base-960h(.|\n)*other.weight"):
        wav2vec2_part(
            open_container(save_pickle({**hollow(wav2vec2, wav2vec2_file_name), "other.weight": torch.zeros(1)}, tmp_path))
        )


def tiny_files(folder: Path) -> dict[str, Path]:
    torch.manual_seed(3)
    config = PRESETS["tiny"]
    torch.save(LipNetwork(config).state_dict(), folder / "net.pth")
    torch.save(TinyCodec().state_dict(), folder / "codec.pt")
    torch.save({"context": torch.randn(config.text_len, config.text_dim)}, folder / "text_emb.pt")
    return {"source": folder / "net.pth", "codec": folder / "codec.pt", "text": folder / "text_emb.pt"}


def test_a_student_folder_holds_network_codec_and_text_and_says_where_they_came_from(tmp_path: Path) -> None:
    files = tiny_files(tmp_path)
    manifest = import_student(files["source"], "tiny", tmp_path / "1", text=files["text"], codec=files["codec"])
    parts = split_parts(load_tensors(tmp_path / "1"))
    network = LipNetwork(StudentConfig.from_json(read_manifest(tmp_path / "1")["config"]))
    network.load_state_dict(parts["network"], strict=True)
    TinyCodec().load_state_dict(parts["codec"], strict=True)
    assert parts["text"]["embedding"].shape == (PRESETS["tiny"].text_len, PRESETS["tiny"].text_dim)
    assert manifest["model"] == "lip_student_tiny"
    (origin,) = manifest["source"]["network"]["files"]
    assert origin["bytes"] == files["source"].stat().st_size


def test_a_value_that_is_not_finite_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    files = tiny_files(tmp_path)
    state = torch.load(files["source"])
    state["blocks.2.ffn.0.weight"][3, 4] = float("inf")
    torch.save(state, files["source"])
    with pytest.raises(UnreadableWeightsError, match=r"network\.blocks\.2\.ffn\.0\.weight"):
        import_student(files["source"], "tiny", tmp_path / "1", text=files["text"], codec=files["codec"])
    assert list((tmp_path / "1").iterdir()) == []


def run_module(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": f"{root / 'shared'}:{root}", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=240
    )


def test_the_command_imports_a_student_with_the_files_beside_it(tmp_path: Path) -> None:
    tiny_files(tmp_path)
    done = run_module("-c", "from services.cli.weights import app; app()", "import", "net.pth", "--as", "tiny", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["out"] == "model_repo/lip_student_tiny/1"
    assert read_manifest(tmp_path / answer["out"])["digest"] == answer["digest"]


@pytest.mark.parametrize(
    ("kind", "code", "says"), [("tiny", "weights_unreadable", "--codec"), ("wan-vae", "weights_key_mismatch", "head.head.bias")]
)
def test_the_command_refuses_bad_input_with_a_code_and_exit_2(
    kind: str, code: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = tiny_files(tmp_path)
    files["codec"].unlink()
    assert main(["import", str(files["source"]), "--as", kind, "--out", str(tmp_path / "1")]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["code"] == code
    assert says in err
    assert not (tmp_path / "1").exists()


MEASURE = """
import resource, sys
from pathlib import Path
import lipforcing.presets as presets, torch
from lipforcing.weights import importer
config = presets.StudentConfig(**{**presets.PRESETS["14b"].to_json(), "dim": 768, "ffn": 3072, "heads": 6, "layers": 12,
                                  "audio_input": 64, "text_dim": 64, "text_len": 2, "t_list": (0.999, 0.0)})
presets.PRESETS["14b"] = importer.PRESETS["14b"] = config
folder = Path(sys.argv[1])
if sys.argv[2] == "make":
    with torch.device("meta"):
        network = importer.LipNetwork(config)
    torch.save({n: torch.randn(t.shape, dtype=torch.bfloat16) for n, t in network.state_dict().items()}, folder / "net.pth")
    torch.save({n: torch.randn(t.shape).half() for n, t in importer.Taew().state_dict().items()}, folder / "taew.pth")
    torch.save(torch.randn(2, 64), folder / "text.pt")
else:
    torch.randn(2, 2) @ torch.randn(2, 2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    importer.import_student(folder / "net.pth", "14b", folder / "1", text=folder / "text.pt", codec=folder / "taew.pth")
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.slow
def test_importing_takes_less_memory_than_1_2_times_the_file(tmp_path: Path) -> None:
    made_files = run_module("-c", MEASURE, str(tmp_path), "make", cwd=tmp_path)
    assert made_files.returncode == 0, made_files.stderr
    size = sum((tmp_path / name).stat().st_size for name in ("net.pth", "taew.pth", "text.pt"))
    assert size > 200e6
    done = run_module("-c", MEASURE, str(tmp_path), "import", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    peak = int(done.stdout)
    assert peak < 1.2 * size, f"{peak / size:.2f} times the files"
    assert set(split_parts(load_tensors(tmp_path / "1"))) == {"network", "text", "codec"}


def test_every_refusal_is_a_weights_error() -> None:
    assert issubclass(KeyMismatchError, WeightsError)
    assert issubclass(UnreadableWeightsError, WeightsError)
