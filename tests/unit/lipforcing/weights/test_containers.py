import os
from pathlib import Path
from typing import Any

import pytest
import torch
from weights_files import FORMS, State, imported, random_state, same, save_distributed, save_pickle, save_shards

from lipforcing.weights.containers import open_container
from lipforcing.weights.errors import UnreadableWeightsError


@pytest.fixture
def state() -> State:
    return random_state()


@pytest.mark.parametrize("form", FORMS)
def test_every_container_form_gives_the_same_tensors(form: str, state: State, tmp_path: Path) -> None:
    assert same(imported(FORMS[form](state, tmp_path)), state)


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
