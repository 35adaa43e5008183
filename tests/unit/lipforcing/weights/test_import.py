import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from places import ROOT
from weights_files import FORMS, MICRO, State, made, random_state, save_pickle

from lipforcing.audio.wav2vec2 import Wav2Vec2Features
from lipforcing.network import LipNetwork
from lipforcing.presets import PRESETS, StudentConfig
from lipforcing.serving.loading import load_served_syncnet, load_student
from lipforcing.syncnet import TINY, SyncNet
from lipforcing.vae.taew import Taew
from lipforcing.vae.tiny import TinyCodec
from lipforcing.vae.wan import WanVae
from lipforcing.weights.__main__ import main
from lipforcing.weights.containers import open_container
from lipforcing.weights.errors import KeyMismatchError, UnreadableWeightsError, WeightsError
from lipforcing.weights.folder import load_tensors, read_manifest, split_parts
from lipforcing.weights.importer import (
    import_student,
    student_part,
    taew_part,
    text_part,
    wan_part,
    wav2vec2_part,
)


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


def test_syncnet_is_accepted_as_published_and_served_bit_for_bit(tmp_path: Path) -> None:
    torch.manual_seed(8)
    state = {name: tensor for name, tensor in SyncNet().state_dict().items() if not name.endswith("num_batches_tracked")}
    assert len(state) == 88
    # The published file is of the time before archives: its 54,573,114 bytes are these tensors and some 12,000 of pickle.
    path = tmp_path / "syncnet_v2.model"
    torch.save(state, path, _use_new_zipfile_serialization=False)
    assert abs(path.stat().st_size - 54_573_114) < 2_000
    assert main(["import", str(path), "--as", "syncnet", "--out", str(tmp_path / "1")]) == 0
    loaded = load_served_syncnet(tmp_path / "1", torch.device("cpu")).state_dict()
    assert read_manifest(tmp_path / "1")["model"] == "syncnet"
    assert all(torch.equal(loaded[name], tensor) for name, tensor in state.items())


def test_another_syncnet_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(SyncNet(TINY).state_dict(), tmp_path / "small.pth")
    assert main(["import", str(tmp_path / "small.pth"), "--as", "syncnet", "--out", str(tmp_path / "1")]) == 2
    assert "netfclip.3.bias: (128,), not (1024,)" in capsys.readouterr().err


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


@pytest.mark.parametrize("form", FORMS)
def test_a_file_of_any_form_becomes_a_student_that_is_loaded_bit_for_bit(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PRESETS, "tiny", MICRO)
    for name in ("upstream", "beside"):
        (tmp_path / name).mkdir()
    state, files = random_state(), tiny_files(tmp_path / "beside")
    source = FORMS[form](state, tmp_path / "upstream")
    arguments = ["import", str(source), "--as", "tiny", "--out", str(tmp_path / "1")]
    assert main([*arguments, "--text", str(files["text"]), "--codec", str(files["codec"])]) == 0
    loaded = load_student(tmp_path / "1", torch.device("cpu")).student.network.state_dict()
    for name in [name for name in state if ".self_attn.q." in name]:
        parts = [state[name.replace(".q.", f".{letter}.")] for letter in "qkv"]
        state[name.replace(".q.", ".qkv.")] = torch.cat(parts)
    kept = {name: tensor for name, tensor in state.items() if not re.search(r"self_attn\.[qkv]\.", name)}
    assert loaded.keys() == kept.keys()
    assert all(torch.equal(loaded[name].float(), tensor.float()) for name, tensor in kept.items())


def test_a_value_that_is_not_finite_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    files = tiny_files(tmp_path)
    state = torch.load(files["source"])
    state["blocks.2.ffn.0.weight"][3, 4] = float("inf")
    torch.save(state, files["source"])
    with pytest.raises(UnreadableWeightsError, match=r"network\.blocks\.2\.ffn\.0\.weight"):
        import_student(files["source"], "tiny", tmp_path / "1", text=files["text"], codec=files["codec"])
    assert list((tmp_path / "1").iterdir()) == []


def run_module(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    root = ROOT
    environment = {**os.environ, "PYTHONPATH": f"{root / 'shared'}:{root}", "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
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
