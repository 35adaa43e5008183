"""Training from prepared footage: what is learned, what never is, and what a damaged set says."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from method_runs import ALONE, MODELS, SETTINGS, data_set, made, opened, render
from safetensors.torch import load_file

from dubbing.errors import BadDataset, CorruptShard, InvalidSetting, LeakedReference, ObjectMissing
from dubbing.settings import S3Settings
from services.trainer.common.settings import changed
from services.trainer.common.site import Site
from services.trainer.footage.cache import LatentCache
from services.trainer.footage.dataset import ShardSource
from services.trainer.footage.place import FolderPlace
from services.trainer.methods.encoders import Encoders, load_encoders
from services.trainer.methods.footage_dataset import FootageDataset, footage
from services.trainer.methods.recipe import MethodRecipe
from services.trainer.recipes import load
from synthetic.splits import Split

TEXT = torch.zeros(2, 64)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def prepared(tmp_path: Path, cache: Path) -> Path:
    return data_set(tmp_path / "set", cache)


@pytest.fixture(scope="module")
def encoders() -> Encoders:
    return load_encoders(MODELS, "tiny", 1, torch.device("cpu"))


def recipe(place: Path, **settings: Any) -> MethodRecipe:
    return changed(load("teacher_tiny"), {**SETTINGS["teacher_tiny"], "data": str(place), **settings})


@pytest.fixture
def learned(prepared: Path, encoders: Encoders, tmp_path: Path) -> Callable[..., FootageDataset]:
    def learned(**settings: Any) -> FootageDataset:
        return footage(recipe(prepared, **settings), Site(tmp_path, ALONE, MODELS, places=(tmp_path,)), encoders)

    return learned


def test_clips_are_windows_of_the_training_split_with_their_own_sound_and_reference(
    learned: Callable[..., FootageDataset], prepared: Path, encoders: Encoders, tmp_path: Path
) -> None:
    found = learned()
    assert [entry.name for entry in found.entries] == ["0+0", "0+9", "1+0", "1+9"]  # nobody of the third, who is held out
    assert found.refused == {}
    assert [entry.shown for entry in found.entries] == [(0, 9), (9, 18)] * 2
    whole = next(ShardSource(FolderPlace(prepared)).samples(Split.TRAIN))
    second = whole.part(9, 9)
    alone = load_file(LatentCache(tmp_path / "other", encoders.codec, encoders.speech).encoded(second))
    clips = found.clips([1], [0], TEXT, sound=True)
    assert torch.equal(clips.x0_BZThw[0], alone["target"].float())
    assert torch.equal(clips.conditions.reference_BZThw[0], alone["reference"].float())
    assert torch.equal(clips.conditions.masked_BZThw[0], alone["masked"].float())
    assert clips.waveform_BS is not None
    assert torch.equal(clips.waveform_BS[0], torch.from_numpy(whole.speech[9 * 640 :].copy()).float() / 32_768.0)
    assert found.clips([1], [0], TEXT, sound=False).waveform_BS is None
    spoken = found.spoken()[1]
    assert spoken.frames_VHWC.shape == (9, 128, 128, 3)
    assert len(spoken.waveform_S) == 9 * 640


def test_the_shards_are_read_once_and_again_where_a_file_is_gone(
    learned: Callable[..., FootageDataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, counted = learned(), 0
    read = ShardSource.read

    def counting(self: ShardSource, entry: Any) -> Any:
        nonlocal counted
        counted += 1
        return read(self, entry)

    monkeypatch.setattr(ShardSource, "read", counting)
    assert learned() == first
    assert counted == 0
    (first.folder / first.entries[0].file).unlink()
    assert learned().entries == first.entries
    assert counted == 2


def test_a_run_learns_from_footage_and_a_student_is_distilled_on_it(prepared: Path, tmp_path: Path) -> None:
    place = {"data": str(prepared)}
    teacher = made(opened("teacher_tiny", tmp_path, {}, **place), "teacher_tiny", tmp_path / "teacher", 1)
    student = made(opened("df_tiny", tmp_path, {"start": teacher}, **place), "df_tiny", tmp_path / "student", 1)
    stage = opened("sf_tiny", tmp_path, {"start": student, "teacher": teacher}, **place)
    stage.advance()
    assert "reward/mean" in stage.advance().parts
    assert (stage.facts["clips"], stage.facts["refused"]) == (4, {})
    assert not (tmp_path / "takes").exists()  # nobody was generated for it


class TestDamage:
    """What is wrong with a data set is said with the place where it is."""

    def test_a_damaged_shard_names_itself_and_its_sample(self, learned: Callable[..., FootageDataset], prepared: Path) -> None:
        shard = prepared / "shards" / "1.tar"
        content = bytearray(shard.read_bytes())
        content[4_000] ^= 1
        shard.write_bytes(content)
        with pytest.raises(CorruptShard, match=r"shards/1\.tar") as raised:
            learned()
        assert raised.value.where == {"shard": "shards/1.tar", "sample": "1"}

    def test_a_shard_that_is_not_there_is_missing(self, learned: Callable[..., FootageDataset], prepared: Path) -> None:
        (prepared / "shards" / "0.tar").unlink()
        with pytest.raises(ObjectMissing, match=r"0\.tar"):
            learned()

    def test_a_place_that_is_no_data_set_and_one_of_other_crops_are_refused(
        self, cache: Path, encoders: Encoders, tmp_path: Path
    ) -> None:
        site = Site(tmp_path, ALONE, MODELS, places=(tmp_path,))
        with pytest.raises(BadDataset, match="no data set here"):
            footage(recipe(tmp_path / "nothing"), site, encoders)
        big = data_set(tmp_path / "big", cache, crop=512)
        with pytest.raises(BadDataset, match="crops of 512 pixels; tiny needs 128") as raised:
            footage(recipe(big), site, encoders)
        assert raised.value.suggestions == ("prepare it with --crop 128",)
        for store, words in ((None, "no object store"), (S3Settings(), "names no bucket")):
            with pytest.raises(InvalidSetting, match=words):
                footage(replace(recipe(tmp_path), data="s3://"), replace(site, s3=store), encoders)

    def test_a_set_of_held_out_people_alone_has_nothing_to_learn(
        self, learned: Callable[..., FootageDataset], prepared: Path
    ) -> None:
        manifest = json.loads((prepared / "dataset.json").read_text())
        for shard in manifest["shards"]:
            shard["split"] = "test"
        (prepared / "dataset.json").write_text(json.dumps(manifest))
        with pytest.raises(BadDataset, match="3 samples are held out"):
            learned()

    def test_footage_that_is_learned_from_and_held_out_is_refused(
        self, learned: Callable[..., FootageDataset], prepared: Path
    ) -> None:
        manifest = json.loads((prepared / "dataset.json").read_text())
        manifest["shards"][2]["source_sha256"] = manifest["shards"][0]["source_sha256"]
        (prepared / "dataset.json").write_text(json.dumps(manifest))
        with pytest.raises(BadDataset, match=r"shards/2\.tar is held out, but its footage is trained on"):
            learned()

    def test_a_sample_that_shows_its_answer_ends_the_run(self, cache: Path, encoders: Encoders, tmp_path: Path) -> None:
        shown = data_set(tmp_path / "shown", cache, reference=[10, 28])
        with pytest.raises(LeakedReference, match="inside its clip"):
            footage(recipe(shown), Site(tmp_path, ALONE, MODELS, places=(tmp_path,)), encoders)

    def test_a_sample_that_is_held_out_is_not_learned_whatever_the_manifest_says(
        self, cache: Path, encoders: Encoders, tmp_path: Path
    ) -> None:
        held = data_set(tmp_path / "held", cache, held_out=["voice"])
        with pytest.raises(BadDataset, match="Sample 0 lies among those for training and says that it is held out"):
            footage(recipe(held), Site(tmp_path, ALONE, MODELS, places=(tmp_path,)), encoders)

    def test_a_clip_whose_latents_are_no_numbers_is_left_out_counted_and_named(
        self, learned: Callable[..., FootageDataset], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        encode = LatentCache._encode

        def broken(self: LatentCache, sample: Any) -> Any:
            tensors = encode(self, sample)
            return {**tensors, "target": tensors["target"] * torch.nan} if sample.key == "0+9" else tensors

        monkeypatch.setattr(LatentCache, "_encode", broken)
        found = learned()
        assert [entry.name for entry in found.entries] == ["0+0", "1+0", "1+9"]
        assert "target_ZThw holds values that are no numbers" in found.refused["0+9"]

    def test_a_cached_file_that_was_damaged_while_a_run_goes_on_is_named(self, learned: Callable[..., FootageDataset]) -> None:
        found = learned()
        path = found.folder / found.entries[2].file
        path.write_bytes(path.read_bytes()[:100])
        with pytest.raises(BadDataset, match=r"latents of 1\+0 cannot be read") as raised:
            found.clips([2], [0], TEXT, sound=False)
        assert str(path) in raised.value.suggestions[0]

    def test_longer_clips_than_were_prepared_are_refused(self, learned: Callable[..., FootageDataset]) -> None:
        with pytest.raises(InvalidSetting, match="have 81 frames, not 93"):
            learned(latents=24)
