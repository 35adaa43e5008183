import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from lipforcing.weights.errors import DigestMismatchError, UnreadableWeightsError
from lipforcing.weights.folder import (
    MANIFEST,
    TENSORS,
    join_parts,
    load_tensors,
    read_manifest,
    split_parts,
    stream_folder,
    write_folder,
)


def some_tensors() -> dict[str, torch.Tensor]:
    return {
        "a.weight": torch.randn(3, 5).to(torch.bfloat16),
        "b": torch.arange(6, dtype=torch.int64).reshape(2, 3).T,
        "scalar": torch.tensor(2.5),
        "half": torch.randn(7).half(),
        "flags": torch.tensor([True, False]),
        "empty": torch.zeros(0, 4),
    }


def test_a_folder_gives_back_what_was_written(tmp_path: Path) -> None:
    tensors = some_tensors()
    written = write_folder(tmp_path / "1", tensors, {"model": "tiny"})
    loaded = load_tensors(tmp_path / "1")
    assert read_manifest(tmp_path / "1") == written
    assert set(loaded) == set(tensors)
    assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)
    assert all(loaded[name].dtype == tensors[name].dtype for name in tensors)
    assert written["parameters"] == 15 + 6 + 1 + 7 + 2
    assert written["model"] == "tiny"


def test_the_tensor_file_is_one_that_the_safetensors_library_reads(tmp_path: Path) -> None:
    tensors = some_tensors()
    write_folder(tmp_path, tensors, {})
    loaded = load_file(tmp_path / TENSORS)
    assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)


def test_a_changed_byte_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path, some_tensors(), {})
    content = bytearray((tmp_path / TENSORS).read_bytes())
    content[-1] ^= 1
    (tmp_path / TENSORS).write_bytes(content)
    with pytest.raises(DigestMismatchError, match="sha256"):
        load_tensors(tmp_path)


def test_a_truncated_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    write_folder(tmp_path, some_tensors(), {})
    (tmp_path / TENSORS).write_bytes((tmp_path / TENSORS).read_bytes()[:-3])
    with pytest.raises(DigestMismatchError, match="bytes"):
        read_manifest(tmp_path)


def test_an_empty_folder_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(UnreadableWeightsError, match="dubline weights"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", ["not json", "[]", json.dumps({"format": 99})])
def test_a_foreign_manifest_is_refused(tmp_path: Path, text: str) -> None:
    write_folder(tmp_path, some_tensors(), {})
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(UnreadableWeightsError):
        read_manifest(tmp_path)


def test_a_failed_write_leaves_the_old_version_whole(tmp_path: Path) -> None:
    before = write_folder(tmp_path, some_tensors(), {})
    specs = {"x": (torch.float32, (2,)), "y": (torch.float32, (2,))}
    with pytest.raises(ValueError, match="announced but not given: y"):
        stream_folder(tmp_path, specs, [("x", torch.zeros(2))], {})
    with pytest.raises(ValueError, match="not the next one"):
        stream_folder(tmp_path, specs, [("x", torch.zeros(3))], {})
    assert read_manifest(tmp_path) == before
    assert set(load_tensors(tmp_path)) == set(some_tensors())
    assert sorted(path.name for path in tmp_path.iterdir()) == [MANIFEST, TENSORS]


def test_parts_are_kept_apart_by_their_names() -> None:
    parts = {"network": {"head.head.bias": torch.ones(1)}, "codec": {"conv1.bias": torch.zeros(1)}}
    joined = join_parts(parts)
    assert sorted(joined) == ["codec.conv1.bias", "network.head.head.bias"]
    assert split_parts(joined) == parts
