"""Recipes of the methods as runs: a teacher, a student of it, that student distilled, each from what the one before left."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from method_runs import ALONE, MODELS, SETTINGS, made, opened, render
from torch import Tensor

from dubbing.errors import CheckpointMismatch, InvalidSetting, PlaceNotAllowed, UnfitStart
from lipforcing.audio.tiny import TinySpeechEncoder
from lipforcing.contract import STUDENTS
from lipforcing.serving.loading import load_student
from lipforcing.vae.taew import Taew
from lipforcing.vae.tiny import TinyCodec
from lipforcing.weights.folder import join_parts, load_tensors, read_manifest, split_parts, write_folder
from services.trainer.common.group import Group
from services.trainer.common.settings import changed
from services.trainer.methods import dataset, run
from services.trainer.methods.dataset import rows_of
from services.trainer.methods.encoders import load_decoder, load_encoders
from services.trainer.methods.folders import read_network
from services.trainer.methods.init_from import NETWORK
from services.trainer.methods.recipe import OUTSIDE
from services.trainer.methods.reward import SyncReward
from services.trainer.methods.self_forcing import SelfForcing
from services.trainer.methods.speaker_dataset import SpeakerDataset, speakers
from services.trainer.methods.stage import MethodStage, State
from services.trainer.methods.training import Supervised
from services.trainer.models.repository import check_candidate
from services.trainer.recipes import RECIPES, load
from services.trainer.runtime import checkpoint

NAMES = ("teacher_tiny", "df_tiny", "sf_tiny")
Chain = Mapping[str, dict[str, Path]]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def chain(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """What every recipe starts from: the first two were trained for two steps."""
    folder = tmp_path_factory.mktemp("made")
    teacher = made(opened("teacher_tiny", cache, {}), "teacher_tiny", folder / "teacher")
    student = made(opened("df_tiny", cache, {"start": teacher}), "df_tiny", folder / "student")
    return {"teacher_tiny": {}, "df_tiny": {"start": teacher}, "sf_tiny": {"start": student, "teacher": teacher}}


@pytest.fixture(scope="module")
def shown(cache: Path) -> SpeakerDataset:
    recipe = changed(load("teacher_tiny"), SETTINGS["teacher_tiny"])
    return speakers(recipe, cache, load_encoders(MODELS, "tiny", 1, torch.device("cpu")))


def tensors(state: State) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in state.shared.items()}


def parts(stage: MethodStage, steps: int) -> list[Mapping[str, float]]:
    return [stage.advance().parts for _ in range(steps)]


def test_what_is_prepared_is_told_as_it_is_done_and_what_is_there_already_is_not(tmp_path: Path) -> None:
    recipe, told = changed(load("teacher_tiny"), SETTINGS["teacher_tiny"]), []
    encoders = load_encoders(MODELS, "tiny", 1, torch.device("cpu"))
    for _ in range(2):
        speakers(recipe, render(tmp_path), encoders, lambda *one: told.append(one))
    assert told == [("encoding clips", 1, 2), ("encoding clips", 2, 2)]


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_was_stopped_shown_and_resumed_is_the_one_that_was_not(
    name: str, cache: Path, chain: Chain, tmp_path: Path
) -> None:
    whole, stopped = (opened(name, cache, dict(chain[name])) for _ in range(2))
    wanted = parts(whole, 4)
    seen = parts(stopped, 1)
    stopped.sample(tmp_path / "sheet.png")  # averaged weights are exchanged and exchanged back
    assert (tmp_path / "sheet.png").stat().st_size > 1_000
    seen += parts(stopped, 1)
    folder = checkpoint.save(stopped.state(), tmp_path, stopped.step, ALONE)
    torch.manual_seed(99)  # another process has another history
    resumed = opened(name, cache, dict(chain[name]))
    resumed.restore(checkpoint.load(folder, ALONE))
    assert resumed.facts == whole.facts
    assert seen + parts(resumed, 2) == wanted
    ours, theirs = tensors(resumed.state()), tensors(whole.state())
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(tensor, theirs[key]) for key, tensor in ours.items())


def test_every_run_begins_with_the_weights_that_the_one_before_left(cache: Path, chain: Chain) -> None:
    teacher, student = chain["sf_tiny"]["teacher"], chain["sf_tiny"]["start"]
    method = opened("sf_tiny", cache, dict(chain["sf_tiny"]))._method
    assert isinstance(method, SelfForcing)
    for network, folder in ((method._student, student), (method._critic, teacher), (method._teacher.network, teacher)):
        wanted = read_network(folder / NETWORK).network().state_dict()
        assert all(torch.equal(tensor, wanted[name]) for name, tensor in network.state_dict().items())
    learns = opened("df_tiny", cache, dict(chain["df_tiny"]))._method
    assert isinstance(learns, Supervised)
    wanted = read_network(teacher / NETWORK).network().state_dict()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in learns.networks["network"].state_dict().items())


def test_what_is_left_are_the_averaged_weights_and_the_files_of_a_start_are_never_written_to(
    cache: Path, chain: Chain, tmp_path: Path
) -> None:
    before = (chain["df_tiny"]["start"] / NETWORK / "model.safetensors").read_bytes()
    stage = opened("df_tiny", cache, dict(chain["df_tiny"]))
    made(stage, "df_tiny", tmp_path)
    assert (chain["df_tiny"]["start"] / NETWORK / "model.safetensors").read_bytes() == before
    state, left = stage.state().shared, read_network(tmp_path / NETWORK).network()
    for name, parameter in left.named_parameters():
        assert torch.equal(parameter, state[f"network/ema/{name}"])
    assert not torch.equal(left.head.head.weight, state["network/weights/head.head.weight"])


def test_a_distilled_student_is_a_candidate_with_the_encoders_that_serve(cache: Path, chain: Chain, tmp_path: Path) -> None:
    made(opened("sf_tiny", cache, dict(chain["sf_tiny"])), "sf_tiny", tmp_path)
    check_candidate(tmp_path, "tiny")
    tiny = STUDENTS["tiny"]
    folder = tmp_path / tiny.student / "1"
    student = load_student(folder, torch.device("cpu")).student.network
    assert student.config == read_network(tmp_path / NETWORK).network().config
    source = json.loads((folder / "model.json").read_text())["source"]
    assert (source["recipe"], source["starts"].keys(), source["step"]) == ("sf_tiny", {"start", "teacher"}, 2)
    for model in (tiny.face_encoder, tiny.speech_encoder):
        ours, theirs = ((root / model / "1" / "model.safetensors").read_bytes() for root in (tmp_path, MODELS))
        assert ours == theirs
    assert not (chain["sf_tiny"]["teacher"] / tiny.student).exists()  # a teacher is nothing to serve
    assert (RECIPES["teacher_tiny"].serves, RECIPES["sf_tiny"].serves) == (None, "tiny")


@pytest.mark.parametrize("name", NAMES)
def test_no_step_encodes_anything_and_none_gives_memory_back_to_the_driver(
    name: str, cache: Path, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Latents, features and prompts were made before; decoding for the reward is all that a step does with a codec."""
    stage = opened(name, cache, dict(chain[name]))

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a step must not do this")

    monkeypatch.setattr(TinyCodec, "encode", forbidden)
    monkeypatch.setattr(TinySpeechEncoder, "forward", forbidden)
    monkeypatch.setattr(torch.cuda, "empty_cache", forbidden)
    parts(stage, 2)
    assert stage.step == 2


class TestStarts:
    """What cannot be started from is told before anything is rendered."""

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"network.layers": 6}, "has layers 4, not 6"),
            ({"start": "/nowhere"}, "holds no network"),
        ],
    )
    def test_a_network_of_another_shape_or_none_is_named(
        self, settings: dict[str, object], words: str, chain: Chain, tmp_path: Path
    ) -> None:
        starts = {} if "start" in settings else dict(chain["df_tiny"])
        with pytest.raises(UnfitStart, match=words) as raised:
            opened("df_tiny", tmp_path, starts, **settings)
        assert raised.value.where["pointer"] == "/settings/start"
        assert any("start=RUN_ID" in one for one in raised.value.suggestions)
        assert not list(tmp_path.iterdir())

    def test_nothing_named_is_refused_and_so_is_a_run_of_another_recipe(self, chain: Chain, tmp_path: Path) -> None:
        with pytest.raises(UnfitStart, match="starts from a finished run of teacher_tiny"):
            opened("df_tiny", tmp_path, {})
        with pytest.raises(UnfitStart, match="made by df_tiny, not by teacher_tiny"):
            opened("sf_tiny", tmp_path, {**chain["sf_tiny"], "teacher": chain["sf_tiny"]["start"]})

    def test_a_network_of_other_latents_is_refused(self, chain: Chain, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def other(*arguments: object) -> object:
            return replace(load_encoders(*arguments), digests={"face_encoder_tiny": "another"})  # type: ignore[arg-type]

        monkeypatch.setattr(run, "load_encoders", other)
        with pytest.raises(UnfitStart, match="other encoders"):
            opened("df_tiny", cache, dict(chain["df_tiny"]))

    def test_a_folder_serves_as_a_start_too(self, chain: Chain, cache: Path) -> None:
        assert opened("df_tiny", cache, {}, start=str(chain["df_tiny"]["start"] / NETWORK)).step == 0

    @pytest.mark.parametrize("name", ["teacher_tiny_tuned", "df_tiny_tuned"])
    def test_teacher_and_student_may_begin_as_the_student_that_is_served_and_name_it(self, name: str, cache: Path) -> None:
        stage = opened(name, cache, {})
        folder = MODELS / STUDENTS["tiny"].student / "1"
        served = split_parts(load_tensors(folder))["network"]
        (begun,) = stage._method.networks.values()
        assert all(torch.equal(tensor, served[name].float()) for name, tensor in begun.state_dict().items())
        assert all(tensor.dtype == torch.float32 for tensor in begun.state_dict().values())
        assert stage.facts["starts"] == {"start": read_manifest(folder)["digest"]}

    @pytest.mark.parametrize("named", ["served:", "served:9", "served:one", "served:../../lip_student_tiny/1", "served:-1"])
    def test_a_served_version_that_is_none_is_named(self, named: str, tmp_path: Path) -> None:
        with pytest.raises(UnfitStart, match=f"{re.escape(named)} holds no network"):
            opened("teacher_tiny", tmp_path, {}, start=named)
        assert not list(tmp_path.iterdir())

    def test_a_served_version_of_other_sizes_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UnfitStart, match="served:1 has dim 192, not 132"):
            opened("teacher_tiny", tmp_path, {}, start="served:1")


class TestSettings:
    """What a caller may choose."""

    @pytest.mark.parametrize("gate", ["window", "always"])
    def test_the_gate_of_guidance_and_the_reward(self, gate: str, cache: Path, chain: Chain) -> None:
        rewards = gate == "window"
        stage = opened("sf_tiny", cache, dict(chain["sf_tiny"]), reward=rewards, **{"stage.guidance.gate": gate})
        method = stage._method
        assert method._stage.guidance.gate == gate
        assert isinstance(method._reward, SyncReward) == rewards
        assert (method._stage.weighting is not None) == rewards
        seen = parts(stage, 2)[-1]
        assert ("reward/mean" in seen) == rewards

    def test_a_syncnet_is_trained_once_and_a_file_that_is_none_is_refused(self, cache: Path, chain: Chain) -> None:
        opened("sf_tiny", cache, dict(chain["sf_tiny"]))
        before = {path: path.stat().st_mtime_ns for path in cache.glob("syncnet-*.safetensors")}
        opened("sf_tiny", cache, dict(chain["sf_tiny"]))
        assert before
        assert {path: path.stat().st_mtime_ns for path in cache.glob("syncnet-*.safetensors")} == before
        with pytest.raises(InvalidSetting, match="holds no SyncNet"):
            opened("sf_tiny", cache, dict(chain["sf_tiny"]), syncnet=str(MODELS / "lip_student_tiny/1/model.safetensors"))

    def test_sizes_and_batches_that_cannot_be_are_refused(self, cache: Path) -> None:
        with pytest.raises(InvalidSetting, match="does not split over 3 processes"):
            opened("teacher_tiny", cache, {}, Group(0, 3))
        with pytest.raises(InvalidSetting, match="cannot have 24"):
            opened("teacher_tiny", cache, {}, **{"network.dim": 24})
        with pytest.raises(InvalidSetting, match="no whole number of blocks"):
            opened("teacher_tiny", cache, {}, latents=4)
        with pytest.raises(InvalidSetting, match="Version 7 of the encoders"):
            opened("teacher_tiny", cache, {}, encoders=7)

    def test_a_checkpoint_of_another_shape_is_refused(self, cache: Path) -> None:
        state = opened("teacher_tiny", cache, {}).state()
        deeper = opened("teacher_tiny", cache, {}, **{"network.layers": 6, "teaching.network.layers": 6})
        with pytest.raises(CheckpointMismatch, match="does not fit"):
            deeper.restore(state)


def test_half_precision_reaches_every_parameter_of_a_student_that_was_rolled_out_without_gradient_before(
    cache: Path, chain: Chain
) -> None:
    """What autocast had kept of the first rollout would have no gradient in the second."""
    stage = opened("sf_tiny", cache, dict(chain["sf_tiny"]), **{"stage.student_update_freq": 1})
    before = tensors(stage.state())
    stage.advance()
    after = tensors(stage.state())
    still = [name for name, tensor in after.items() if "student/exp_avg_sq/" in name and not tensor.any()]
    # The text path of ``tiny`` sees zeros, and nothing but biases can learn from them.
    assert all("text_embedding" in name or "cross_attn" in name for name in still), still
    assert any(not torch.equal(tensor, before[name]) for name, tensor in after.items() if "student/weights" in name)


def test_channels_weigh_by_what_they_do_to_the_picture(cache: Path) -> None:
    plain, weighed = (opened("teacher_tiny", cache, {}, energy=energy)._method for energy in (0.0, 0.4))
    assert plain._objective.stage.places.channels is None
    channels = weighed._objective.stage.places.channels
    assert len(channels) == 16
    assert sum(channels) / 16 == pytest.approx(1.0, rel=1e-5)
    assert max(channels) > 2 * min(channels)


def test_no_setting_reads_a_folder_that_is_not_opened(cache: Path, chain: Chain) -> None:
    starts = dict(chain["sf_tiny"])
    closed = [("teacher_tiny", {}, "data"), ("teacher_tiny", {}, "start"), ("df_tiny", {}, "start"),
              ("sf_tiny", {"start": starts["start"]}, "teacher"), ("sf_tiny", starts, "syncnet")]  # fmt: skip
    for name, named, setting in closed:
        with pytest.raises(PlaceNotAllowed) as raised:
            opened(name, cache, named, places=(), **{setting: str(cache)})
        assert raised.value.where == {"pointer": f"/settings/{setting}"}
    assert {setting for _, _, setting in closed} == set(OUTSIDE)


class TestMaterial:
    """Generated speakers, and the order in which they are learned."""

    def test_a_clip_says_what_its_target_shows(self, shown: SpeakerDataset) -> None:
        text = torch.zeros(2, 64)
        assert len(shown) == 8
        talk = shown.spoken()
        for row in range(8):
            clips = shown.clips([row], [0], text, sound=True)
            assert clips.waveform_BS is not None
            says = talk[(row % 4) ^ 1]  # the other mouth of the same take
            assert torch.equal(clips.waveform_BS[0], torch.from_numpy(says.waveform_S))
            assert torch.equal(clips.x0_BZThw, shown.clips([(row % 4) ^ 1], [0], text, sound=False).conditions.reference_BZThw)
            assert clips.names == (f"clip {row}",)

    def test_heard_and_true_shapes_differ_and_share_the_footage(self, shown: SpeakerDataset) -> None:
        text = torch.zeros(2, 64)
        heard, true = (shown.clips([row], [0], text, sound=False) for row in (1, 5))
        assert torch.equal(heard.x0_BZThw, true.x0_BZThw)
        assert not torch.equal(heard.conditions.speech_BTGA, true.conditions.speech_BTGA)
        assert heard.waveform_BS is None

    @pytest.mark.parametrize("world", [1, 2])
    def test_every_clip_comes_once_before_any_comes_again_whatever_the_processes(
        self, world: int, shown: SpeakerDataset
    ) -> None:
        text = torch.zeros(2, 64)
        ranks = [
            dataset.Batches(shown, 4, 2, rank, world, 1, text, sound=False, device=torch.device("cpu")) for rank in range(world)
        ]
        names: dict[int, list[str]] = {}
        for number in (1, 2):
            made_of = {
                place: name for rank in ranks for clips in rank(number)
                for place, name in zip(clips.places, clips.names, strict=True)
            }  # fmt: skip
            assert sorted(made_of) == [0, 1, 2, 3]
            names[number] = [made_of[place] for place in range(4)]
        assert sorted(names[1] + names[2]) == [f"clip {row}" for row in range(8)]
        assert [f"clip {row}" for row in rows_of(2, 4, 8, 1)] == names[2]


def test_a_critic_of_another_size_than_the_teacher_begins_as_the_student(cache: Path, chain: Chain, tmp_path: Path) -> None:
    wide = {"network.dim": 144, "teaching.network.dim": 144}
    teacher = made(opened("teacher_tiny", cache, {}, **wide), "teacher_tiny", tmp_path / "wide")
    start = chain["sf_tiny"]["start"]
    stage = opened("sf_tiny", cache, {"start": start, "teacher": teacher}, **{"teaching.network.dim": 144})
    begun, critic = read_network(start / NETWORK).network().state_dict(), stage.state().shared
    assert all(torch.equal(critic[f"critic/weights/{name}"], tensor) for name, tensor in begun.items())
    with pytest.raises(InvalidSetting, match="neither the teacher's sizes nor the student's") as raised:
        opened("sf_tiny", cache, dict(chain["sf_tiny"]), **{"critic.dim": 144})
    assert raised.value.where["pointer"] == "/settings/critic.dim"


def test_big_runs_reward_what_the_quick_decoder_of_an_imported_student_makes(tmp_path: Path) -> None:
    encoders, cpu = load_encoders(MODELS, "tiny", 1, torch.device("cpu")), torch.device("cpu")
    assert isinstance(load_decoder(MODELS, "tiny", encoders, cpu), TinyCodec)
    with pytest.raises(InvalidSetting, match="none has been imported") as raised:
        load_decoder(tmp_path, "1.3b", encoders, cpu)
    assert (raised.value.code, raised.value.where["pointer"]) == ("decoder_missing", "/settings/preset")
    torch.manual_seed(0)
    codec, folder = Taew(), tmp_path / STUDENTS["14b"].student / "1"
    write_folder(folder, join_parts({"codec": codec.state_dict()}), {"model": STUDENTS["14b"].student, "preset": "14b"})
    loaded = load_decoder(tmp_path, "1.3b", encoders, cpu)
    assert isinstance(loaded, Taew)
    assert all(torch.equal(tensor, loaded.state_dict()[name]) for name, tensor in codec.state_dict().items())
