"""A folder of footage, good and bad, becomes a data set: what is kept, what is dropped and why, again and after faults."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from footage_film import pictures, speech, write_film
from places import ROOT
from safetensors.torch import load_file

from dubbing.errors import BadDataset, BadInput, ConsentMissing, CorruptShard, DiskFull
from lipforcing.contract import STUDENTS
from lipforcing.serving.loading import load_face_encoder, load_speech_encoder
from services.trainer.common.group import Group
from services.trainer.common.site import Site
from services.trainer.common.timing import MARGIN
from services.trainer.footage.cache import LatentCache
from services.trainer.footage.dataset import ShardSource
from services.trainer.footage.place import FolderPlace
from services.trainer.footage.prepare import Preparation, PrepareProgress, Request
from services.trainer.footage.sample import Sample
from services.trainer.footage.workers import Tools
from services.trainer.methods.encoders import load_encoders
from services.trainer.methods.footage_dataset import footage as footage_of
from services.trainer.recipes import load
from synthetic.splits import Split

TOOLS = Tools(ROOT / "third_party/face_landmarker/face_landmarker.task", ROOT / "model_repo")
SENTENCE = "Maybe a moment of patience will pay: papa and mama are away, and they will be back by and by."


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("footage")
    controls, sound = speech(SENTENCE)
    frames = pictures(controls)
    np.save(root / "sound.npy", sound)
    write_film(root / "anna" / "one.mkv", frames, sound)
    (root / "anna" / "one.json").write_text(json.dumps({"language": "en", "identity": "anna-1"}))
    smaller = [cv2.resize(frame, (208, 208), interpolation=cv2.INTER_AREA) for frame in frames]
    write_film(root / "anna" / "two.mkv", smaller, sound, crf=24)
    (root / "anna" / "zz-copy.mkv").write_bytes((root / "anna" / "one.mkv").read_bytes())
    write_film(root / "ben" / "mute.mkv", frames[:30], None)
    write_film(root / "ben" / "other-sound.mkv", frames, np.roll(sound[::-1], 4000))
    write_film(root / "ben" / "room.mkv", [np.full((96, 128, 3), 90, np.uint8)] * 30, sound[:19_200])
    (root / "ben" / "torn.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(200))
    return root


@pytest.fixture(scope="module")
def request_(footage: Path) -> Request:
    return Request(footage, "release-form-7", TOOLS)


@pytest.fixture(scope="module")
def prepared(request_: Request, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], list[PrepareProgress]]:
    out, said = tmp_path_factory.mktemp("dataset"), list[PrepareProgress]()
    return out, Preparation(request_, FolderPlace(out), said.append).run(), said


@pytest.fixture
def copy(prepared: tuple[Path, dict[str, Any], list[PrepareProgress]], tmp_path: Path) -> Iterator[Path]:
    """A copy of the data set, to be damaged."""
    for path in prepared[0].rglob("*"):
        if path.is_file():
            target = tmp_path / path.relative_to(prepared[0])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return tmp_path


def only_sample(out: Path) -> Sample:
    source = ShardSource(FolderPlace(out))
    (sample,) = [sample for split in Split for sample in source.samples(split)]
    return sample


def test_every_source_is_kept_or_dropped_for_its_own_reason(
    prepared: tuple[Path, dict[str, Any], list[PrepareProgress]],
) -> None:
    _, report, _ = prepared
    assert report["samples"]["all"] == 1
    # Another sound fits by chance here and there: without confidence, or with some at a moment that is none of this clip's.
    (other,) = report["drops"].keys() & {"unsynchronised", "offset"}
    assert report["drops"] == {"duplicate": 1, "no_face": 1, other: 1}
    assert {row["source"]: row["code"] for row in report["unusable"]} == {
        "ben/mute.mkv": "no_audio_stream", "ben/torn.mp4": "truncated_media",
    }  # fmt: skip
    assert report["same_file"] == ["anna/zz-copy.mkv"]
    assert (report["identities"], report["languages"], report["consents"]) == (1, ["en"], ["release-form-7"])


def test_progress_names_every_source_and_ends_with_nothing_left(
    prepared: tuple[Path, dict[str, Any], list[PrepareProgress]],
) -> None:
    said = prepared[2]
    assert [at.done for at in said] == list(range(1, 7))
    assert said[0].seconds_left > 0 == said[-1].seconds_left
    assert said[-1].samples == 1


def test_a_sample_holds_the_clip_its_sound_and_a_reference_from_elsewhere(
    prepared: tuple[Path, dict[str, Any], list[PrepareProgress]], footage: Path
) -> None:
    out, _, _ = prepared
    sample, sound = only_sample(out), np.load(footage / "sound.npy")
    assert sample.target_VnnC.shape == sample.reference_VnnC.shape == (81, 128, 128, 3)
    assert np.array_equal(sample.filmed_VnnC, sample.target_VnnC)
    assert np.allclose(sample.speech, sound[: 81 * 640], atol=1)
    assert np.allclose(sample.sound_S[-MARGIN:], sound[81 * 640 : 81 * 640 + MARGIN], atol=1)
    assert (sample.meta["clip"], sample.meta["reference"]) == ([0, 81], [106, 140])
    assert sample.meta["consent"] == "release-form-7"
    assert (sample.meta["identity"], sample.meta["voice"], sample.meta["language"]) == ("anna-1", "anna-1", "en")
    assert sample.meta["confidence"] > 0.4
    assert (out / "sheet.png").stat().st_size > 10_000


def test_a_second_run_does_nothing_twice(
    prepared: tuple[Path, dict[str, Any], list[PrepareProgress]], request_: Request
) -> None:
    out, report, _ = prepared
    before = {path: path.read_bytes() for path in out.rglob("*.tar")}
    said: list[PrepareProgress] = []
    again = Preparation(request_, FolderPlace(out), said.append).run()
    assert not said
    assert again["skipped"] == 6
    assert again["samples"] == report["samples"]
    assert {path: path.read_bytes() for path in out.rglob("*.tar")} == before


def test_a_full_disk_is_named_and_the_next_run_goes_on(request_: Request, footage: Path, tmp_path: Path) -> None:
    class Full(FolderPlace):
        def put_bytes(self, name: str, data: bytes) -> None:
            if len(list(self.names("sources/"))) == 2:
                Path("/dev/full").write_bytes(data)
            super().put_bytes(name, data)

    few = tmp_path / "few"
    for name in ("mute.mkv", "torn.mp4", "room.mkv"):
        (few / "ben").mkdir(parents=True, exist_ok=True)
        (few / "ben" / name).write_bytes((footage / "ben" / name).read_bytes())
    wanted, out = replace(request_, root=few), tmp_path / "out"
    with pytest.raises(DiskFull, match="No space"):
        Preparation(wanted, Full(out)).run()
    said: list[PrepareProgress] = []
    report = Preparation(wanted, FolderPlace(out), said.append).run()
    assert (len(said), report["skipped"], report["sources"]) == (1, 2, 3)


def test_a_write_that_finds_the_disk_full_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(DiskFull) as caught:
        FolderPlace(tmp_path)._write("a/b", lambda _: Path("/dev/full").write_bytes(b"x"))
    assert str(tmp_path / "a" / "b") in caught.value.detail
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_what_was_prepared_is_what_a_method_learns(
    prepared: tuple[Path, dict[str, Any], list[PrepareProgress]], tmp_path: Path
) -> None:
    sample, encoders = only_sample(prepared[0]), load_encoders(TOOLS.repository, "tiny", 1, torch.device("cpu"))
    recipe = replace(load("teacher_tiny"), data=str(prepared[0]))
    found = footage_of(recipe, Site(tmp_path, Group(), TOOLS.repository, places=(prepared[0],)), encoders)
    assert [entry.name for entry in found.entries] == [f"{sample.key}+0", f"{sample.key}+33"]
    assert [entry.shown for entry in found.entries] == [(0, 33), (33, 66)]
    clips = found.clips([0, 1], [0, 1], torch.zeros(2, 64), sound=True)
    assert clips.x0_BZThw.shape == (2, 16, 9, 16, 16)
    assert clips.waveform_BS is not None
    assert np.allclose(clips.waveform_BS[1] * 32_768, sample.speech[33 * 640 : 66 * 640])


@pytest.mark.parametrize("consent", ["", "x", "two words"])
def test_footage_without_a_consent_tag_is_refused_before_any_work(request_: Request, consent: str, tmp_path: Path) -> None:
    with pytest.raises(ConsentMissing):
        Preparation(replace(request_, consent=consent), FolderPlace(tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_folder_without_footage_and_a_sidecar_that_is_none_are_refused(request_: Request, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(BadInput, match="no footage"):
        Preparation(replace(request_, root=empty), FolderPlace(tmp_path / "out")).run()
    (empty / "film.mkv").write_bytes(b"x")
    (empty / "film.json").write_text("[1]")
    with pytest.raises(BadInput, match=r"film\.json"):
        Preparation(replace(request_, root=empty), FolderPlace(tmp_path / "out")).run()


def test_a_damaged_shard_names_itself_and_its_sample(copy: Path) -> None:
    key = only_sample(copy).key
    (shard,) = copy.rglob("*.tar")
    data = bytearray(shard.read_bytes())
    data[4_000] ^= 1
    shard.write_bytes(data)
    with pytest.raises(CorruptShard) as caught:
        only_sample(copy)
    assert caught.value.where == {"shard": f"shards/{shard.name}", "sample": key}


def test_a_shard_that_was_cut_off_is_damaged(copy: Path) -> None:
    (shard,) = copy.rglob("*.tar")
    shard.write_bytes(shard.read_bytes()[:50_000])
    with pytest.raises(CorruptShard, match=shard.name):
        only_sample(copy)


@pytest.mark.parametrize("manifest", [None, "{", '{"format": 99}'])
def test_a_place_without_a_usable_manifest_is_no_data_set(tmp_path: Path, manifest: str | None) -> None:
    if manifest is not None:
        (tmp_path / "dataset.json").write_text(manifest)
    with pytest.raises(BadDataset):
        ShardSource(FolderPlace(tmp_path))


def test_latents_are_computed_once_and_again_only_for_other_weights(
    prepared: tuple[Path, dict[str, Any], list[PrepareProgress]], tmp_path: Path
) -> None:
    sample, cpu = only_sample(prepared[0]), torch.device("cpu")
    short = replace(sample, **{name: getattr(sample, name)[:9] for name in ("reference_VnnC", "filmed_VnnC", "target_VnnC")})
    models = STUDENTS["tiny"]
    codec = load_face_encoder(TOOLS.repository / models.face_encoder / "1", models.face_encoder, cpu)
    encoder = load_speech_encoder(TOOLS.repository / models.speech_encoder / "1", models.speech_encoder, cpu)
    first, again = (LatentCache(tmp_path, codec, encoder) for _ in range(2))
    made, found = ({name: x.clone() for name, x in load_file(cache.encoded(short)).items()} for cache in (first, again))
    assert (first.computed, again.computed) == (1, 0)
    assert torch.equal(made["target"], found["target"])
    assert made["target"].shape == (16, 3, 16, 16)
    assert made["speech"].shape == (9, 64)
    assert not torch.equal(made["masked"], made["target"])
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:100])
    assert torch.equal(load_file(again.encoded(short))["speech"], made["speech"])
    assert again.computed == 1
    with torch.no_grad():
        encoder.read_out.bias.add_(1.0)
    other = LatentCache(tmp_path, codec, encoder)
    other.encoded(short)
    assert other.computed == 1
