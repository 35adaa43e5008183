"""The big recipes' own path with shrunken widths: two processes over gloo that share every network, on prepared footage."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from method_clips import network as clip_network
from method_runs import ALONE, MODELS, SIZES, data_set
from sharded_steps import step_of
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh

from dubbing.errors import InvalidSetting, UnfitStart
from lipforcing.network import LipNetwork, initialise
from lipforcing.presets import StudentConfig
from services.trainer.common.group import Group
from services.trainer.common.settings import changed
from services.trainer.common.site import Site
from services.trainer.methods.adapters import merged
from services.trainer.methods.folders import read_network, save_network
from services.trainer.methods.reward import SyncReward
from services.trainer.methods.run import open_run
from services.trainer.methods.samples import Clips
from services.trainer.methods.stage import MethodStage
from services.trainer.recipes import load
from services.trainer.runtime import checkpoint

CPU = torch.device("cpu")
WIDTHS: dict[str, Any] = {**SIZES, "text_dim": 6, "text_len": 3, "audio_input": 64, "latent": 16}
# As two ranks see it, two micro-batches each. A large eps keeps Adam from dividing by gradients that are all but zero.
COMMON: dict[str, Any] = {"preset": "tiny", "latents": 3, "batch": 4, "micro": 1, "steps": 3, "half": False, "rng_group": 4}
NAMES = ("teacher_14b_ls", "df_1_3b", "sf_14b")


def stage_of(name: str, folder: Path, group: Group, **more: Any) -> MethodStage:
    networks = {"teacher_14b_ls": ["network", "teaching.network"], "df_1_3b": ["network"],
                "sf_14b": ["network", "critic", "teaching.network"]}[name]  # fmt: skip
    settings = {f"{network}.{key}": value for network in networks for key, value in WIDTHS.items()}
    plans = ["stage.student", "stage.critic"] if name == "sf_14b" else ["update"]
    settings |= {f"{plan}.{key}": value for plan in plans for key, value in (("lr", 1e-2), ("eps", 1.0), ("warm_up", 0))}
    settings |= {**COMMON, "start": str(folder / "network"), "data": str(folder / "set"), **more}
    if name != "df_1_3b":
        settings |= {"trained.rank": 2, "teaching.steps": 2}
    if name == "sf_14b":
        settings |= {
            "teacher": str(folder / "network"),
            "stage.student_update_freq": 1,
            "sync.plan.steps": 2,
            "sync.plan.batch": 4,
        }
    # What is learned, and the SyncNet that rewards, are made once and found again.
    site = Site(folder / "cache", group, MODELS, places=(folder,))
    return open_run(changed(load(name), settings), site, CPU)


def brightness(_: SyncReward, x0_BZThw: Tensor, __: Clips) -> Tensor:
    """A reward as smooth as the student: of pictures of 8 bits, a rounding of its last bit can turn SyncNet's median."""
    return x0_BZThw.mean(dim=(1, 2, 3, 4))


def after_two_steps(name: str, folder: Path, group: Group, out: Path) -> dict[str, Any]:
    stage = stage_of(name, folder, group)
    with mock.patch.object(SyncReward, "__call__", brightness):
        reports = [stage.advance()]
        kept = checkpoint.save(stage.state(), out / f"{name}-kept", 1, group) if group.world > 1 and name == "sf_14b" else None
        reports.append(stage.advance())
        parts = [dict(report.parts) for report in reports]
        more = {} if kept is None else {"goes_on": goes_on(stage, parts[1], stage_of(name, folder, group), kept, group)}
    stage.sample(out / f"{name}.png")
    stage.export(out / name, {"recipe": name})
    return {"parts": parts, "samples": reports[0].samples, **more}


def goes_on(whole: MethodStage, wanted: dict[str, float], resumed: MethodStage, kept: Path, group: Group) -> bool:
    """Does a run that goes on from what was kept after the first step take the second as the one that never stopped?"""
    resumed.restore(checkpoint.load(kept, group))
    same = resumed.advance().parts == wanted
    ours, theirs = whole.state().own, resumed.state().own
    assert all(any(name.startswith(f"student/{kind}/") for name in ours) for kind in ("exp_avg_sq", "ema"))
    return bool(same and all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items()))


def half_of(folder: Path, group: Group) -> dict[str, float]:
    """Gathered weights in bfloat16, as on GPUs."""
    return dict(stage_of("sf_14b", folder, group, half=True).advance().parts)


def rank(number: int, folder: Path) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=number, world_size=2, timeout=timedelta(seconds=600)
    )
    group, out = Group(number, 2), folder / "two"
    out.mkdir(exist_ok=True)
    made: dict[str, Any] = {name: after_two_steps(name, folder, group, out) for name in NAMES}
    made["half"] = half_of(folder, group)
    made["step"] = step_of(((number,), (2 + number,)), init_device_mesh("cpu", (2,)))
    torch.save(made, folder / f"made-{number}.pt")
    group.leave()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network to start from, with prompts that say something, and prepared footage."""
    folder = tmp_path_factory.mktemp("ranks")
    data_set(folder / "set", folder / "takes")
    config = StudentConfig(**WIDTHS)
    network = LipNetwork(config)
    initialise(network, 5)
    with torch.no_grad():
        network.head.head.weight.normal_(std=0.05, generator=torch.Generator().manual_seed(2))
    text = torch.randn(2, 3, 6, generator=torch.Generator().manual_seed(1))
    save_network(folder / "network", network, text[0], text[1], {})
    return folder


@pytest.fixture(scope="module")
def of_two(folder: Path) -> list[dict[str, Any]]:
    torch.multiprocessing.spawn(rank, (folder,), nprocs=2)
    return [torch.load(folder / f"made-{number}.pt", weights_only=True) for number in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_two_processes_take_the_steps_of_one_and_leave_the_same_network(
    name: str, folder: Path, of_two: list[dict[str, Any]], tmp_path: Path
) -> None:
    alone = after_two_steps(name, folder, ALONE, tmp_path)
    assert of_two[0][name]["samples"] == alone["samples"] == 4
    for one, first in zip(alone["parts"], of_two[0][name]["parts"], strict=True):
        assert one.keys() == first.keys()
        shared = [key for key in one if not key.endswith("loss")]  # a loss is of a process's own samples
        assert [first[key] for key in shared] == pytest.approx([one[key] for key in shared], rel=5e-3, abs=1e-6)
        losses = [key for key in one if key.endswith("loss")]
        for key in losses:
            both = [of_two[number][name]["parts"][alone["parts"].index(one)][key] for number in range(2)]
            assert sum(both) / 2 == pytest.approx(one[key], rel=5e-3)
    left, wanted = (read_network(place / name / "network").network() for place in (folder / "two", tmp_path))
    started = read_network(folder / "network").network().state_dict()
    for key, tensor in left.state_dict().items():
        torch.testing.assert_close(tensor, wanted.state_dict()[key], rtol=1e-3, atol=1e-5, msg=key)
    if name == "sf_14b":
        assert all(one["reward/least"] < one["reward/most"] and one["reward/weight"] > 1.01 for one in alone["parts"])
    assert any(not torch.equal(tensor, started[key]) for key, tensor in left.state_dict().items())
    assert (folder / "two" / f"{name}.png").stat().st_size > 1_000


@pytest.mark.slow
def test_a_step_of_every_parameter_over_two_ranks_is_the_step_of_one(of_two: list[dict[str, Any]]) -> None:
    whole, two = step_of(((0, 1, 2, 3),)), of_two[0]["step"]
    assert whole.keys() == two.keys()
    untouched = dict(clip_network(1, torch.float32).named_parameters())
    assert len(whole) > 10
    for key, value in whole.items():
        torch.testing.assert_close(two[key], value, rtol=1e-3, atol=1e-5, msg=key)
    assert any(not torch.equal(value, untouched[key.partition("/")[2]]) for key, value in whole.items() if "/head" in key)


@pytest.mark.slow
def test_a_sharded_distillation_goes_on_exactly_and_runs_in_half_precision(of_two: list[dict[str, Any]]) -> None:
    assert all(one["sf_14b"]["goes_on"] for one in of_two)
    for parts in (one["half"] for one in of_two):
        assert all(torch.tensor(value).isfinite() for value in parts.values())
        assert parts["student/gradient"] > 0


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("df_1_3b", {}, "df_1_3b starts from the place of a network"),
        ("df_14b", {}, "df_14b starts from a finished run of teacher_14b_ls"),
        ("sf_1_3b", {"start": "/somewhere"}, "sf_1_3b starts from a finished run of teacher_14b_ls"),
    ],
)
def test_a_big_recipe_never_starts_afresh(name: str, settings: dict[str, str], words: str, tmp_path: Path) -> None:
    with pytest.raises(UnfitStart, match=words):
        open_run(changed(load(name), settings), Site(tmp_path, ALONE, MODELS), CPU)
    named = {**settings, **dict.fromkeys(("start", "teacher"), "/somewhere")}
    with pytest.raises(InvalidSetting, match="learns from footage") as raised:
        open_run(changed(load(name), named), Site(tmp_path, ALONE, MODELS), CPU)
    assert "dubline data prepare --crop 512" in raised.value.suggestions[0]
    with pytest.raises(InvalidSetting, match=r"encoders of (1\.3b|14b) cannot be read"):  # their weights are not committed
        open_run(changed(load(name), {**named, "data": "/somewhere"}), Site(tmp_path, ALONE, MODELS), CPU)
    assert not list(tmp_path.iterdir())


def test_merged_adapters_are_what_their_layers_compute() -> None:
    from services.trainer.methods.adapters import AdaptedLinear, Trained  # noqa: PLC0415 - used here alone

    layer = AdaptedLinear(torch.nn.Linear(5, 7), 2, 64.0)
    torch.nn.init.normal_(layer.lora_B.weight)
    x = torch.randn(3, 5)
    tensors: dict[str, Tensor] = {f"x.{name}": tensor.detach() for name, tensor in layer.state_dict().items()}
    plain = merged(tensors, Trained(2, 64.0))
    assert plain.keys() == {"x.weight", "x.bias"}
    torch.testing.assert_close(torch.nn.functional.linear(x, plain["x.weight"], plain["x.bias"]), layer(x))
