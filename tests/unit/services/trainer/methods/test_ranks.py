"""Two processes are one: the same recipes with shrunken widths, sharded over gloo, against a single process."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from method_clips import NULL, SMALL, TEACHER, clips, network, teacher
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor

from services.trainer.common.update import UpdatePlan
from services.trainer.methods.adapters import FULL, Trained, choose_trained
from services.trainer.methods.guidance import Guidance
from services.trainer.methods.recipe import MethodRecipe, build
from services.trainer.methods.samples import Clips
from services.trainer.methods.self_forcing import Stage2
from services.trainer.methods.sharding import checkpoint_blocks, groups_of, materialise, on_meta, shard
from services.trainer.methods.teacher import Teacher
from services.trainer.methods.training import Method, restore, state_of
from services.trainer.recipes import load

F32 = torch.float32


class Likes:
    """A reward that tells samples apart."""

    def __call__(self, x0: Tensor, some: Clips) -> Tensor:
        del x0
        return torch.tensor([float(place) for place in some.places])


def smooth(plan: UpdatePlan) -> UpdatePlan:
    """Adam divides by the gradient's own size, and where that is all but zero, rounding decides; a large eps stays smooth."""
    return replace(plan, lr=1.0, eps=1.0, warm_up=0)


def shrunken(name: str) -> MethodRecipe:
    recipe = load(name)
    small = Trained(rank=2) if recipe.trained != FULL else FULL
    recipe = replace(recipe, rng_group=8, network=SMALL, trained=small, update=smooth(recipe.update))
    if not isinstance(recipe.stage, Stage2):
        return recipe
    stage = replace(
        recipe.stage, guidance=Guidance.of(TEACHER), student_update_freq=1,
        student=smooth(recipe.stage.student), critic=smooth(recipe.stage.critic),
    )  # fmt: skip
    return replace(recipe, critic=SMALL, teaching=TEACHER, stage=stage)


def method_of(recipe: MethodRecipe, mesh: Any) -> Method:
    net, critic = (choose_trained(network(seed, F32), recipe.trained) for seed in (1, 2))
    frozen = network(3, F32).requires_grad_(requires_grad=False)
    for one in (net, critic):
        checkpoint_blocks(one)
    if mesh is not None:
        for one in (net, critic, frozen):
            shard(one, mesh, F32)
    if not isinstance(recipe.stage, Stage2):
        return build(recipe, net, NULL)
    told = Teacher(TEACHER, frozen, NULL)
    return build(recipe, net, NULL, critic=critic, teacher=told, reward=Likes())


def after_one_step(recipe: MethodRecipe, micro_batches: list[Clips], mesh: Any = None) -> dict[str, Tensor]:
    torch.manual_seed(0)
    method = method_of(recipe, mesh)
    figures = method.step(1, micro_batches)
    found = {"gradient": torch.tensor([value for name, value in figures.items() if name.endswith("gradient")])}
    for name, module in method.networks.items():
        for key, parameter in module.named_parameters():
            if parameter.requires_grad:
                value = parameter.detach()
                found[f"{name}/{key}"] = value.full_tensor() if isinstance(value, DTensor) else value
    return found


def goes_on(recipe: MethodRecipe, micro_batches: list[Clips], mesh: Any) -> dict[str, Tensor]:
    """1 where a method that was restored from its shards takes the same second step."""
    torch.manual_seed(0)
    one, other = method_of(recipe, mesh), method_of(recipe, mesh)
    one.step(1, micro_batches)
    state = state_of(one)
    restore(other, replace(state, tensors={name: tensor.clone() for name, tensor in state.tensors.items()}))
    one.step(2, micro_batches)
    other.step(2, micro_batches)
    ours, theirs = state_of(one).tensors, state_of(other).tensors
    return {name: torch.equal(tensor, theirs[name]) * torch.ones(1) for name, tensor in ours.items()}


NAMES = ("sf_1_3b",)  # of the others whole runs are compared (test_run_ranks)


def rank(number: int, folder: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=number, world_size=2, timeout=timedelta(seconds=250)
    )
    mesh = init_device_mesh("cpu", (2,))
    mine = [clips((number,), dtype=F32), clips((2 + number,), dtype=F32)]
    made = {name: after_one_step(shrunken(name), mine, mesh) for name in NAMES}
    made["resumed"] = goes_on(shrunken("sf_14b"), mine, mesh)
    if number == 0:
        torch.save(made, Path(folder) / "made.pt")
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def of_two_ranks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Tensor]]:
    folder = tmp_path_factory.mktemp("ranks")
    torch.multiprocessing.spawn(rank, (str(folder),), nprocs=2)
    made: dict[str, dict[str, Tensor]] = torch.load(folder / "made.pt", weights_only=True)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_step_over_two_ranks_is_the_step_of_one(name: str, of_two_ranks: dict[str, dict[str, Tensor]]) -> None:
    recipe = shrunken(name)
    whole = after_one_step(recipe, [clips((0, 1, 2, 3), dtype=F32)])
    two = of_two_ranks[name]
    assert whole.keys() == two.keys()
    untouched = dict(choose_trained(network(1, F32), recipe.trained).named_parameters())
    assert len(whole) > 10
    for key, value in whole.items():
        torch.testing.assert_close(two[key], value, rtol=1e-3, atol=1e-5, msg=key)
    assert any(
        not torch.equal(value, untouched[key.partition("/")[2]])
        for key, value in whole.items()
        if "/head" in key or "lora_B" in key
    )


@pytest.mark.slow
def test_a_sharded_run_goes_on_exactly_from_its_shards(of_two_ranks: dict[str, dict[str, Tensor]]) -> None:
    resumed = of_two_ranks["resumed"]
    assert any(name.startswith("student/exp_avg_sq/") for name in resumed)
    assert any(name.startswith("student/ema/") for name in resumed)
    assert all(bool(same) for same in resumed.values())


def test_groups_hold_every_parameter_once() -> None:
    net = on_meta(SMALL)
    sizes = groups_of(net)
    assert sum(sizes.values()) == sum(parameter.numel() for parameter in net.parameters())
    assert len(sizes) == 2 * SMALL.layers + 1


def test_a_network_built_without_memory_becomes_the_one_that_it_is_filled_with() -> None:
    net, wanted = on_meta(SMALL), dict(network(4, F32).named_parameters())
    assert all(parameter.is_meta for parameter in net.parameters())
    materialise(net, torch.device("cpu"), lambda name, tensor: tensor.copy_(wanted[name]))
    for name, parameter in net.named_parameters():
        assert torch.equal(parameter, wanted[name])


def test_checkpointed_blocks_give_the_same_gradients() -> None:
    def gradients(*, again: bool) -> list[Tensor]:
        recipe = shrunken("sf_1_3b")
        assert isinstance(recipe.stage, Stage2)
        method = build(
            replace(recipe, stage=replace(recipe.stage, weighting=None)),
            checkpoint_blocks(network(1)) if again else network(1), NULL,
            critic=network(2), teacher=teacher(),
        )  # fmt: skip
        for update in method.updates.values():
            update.apply = lambda _: {}  # type: ignore[method-assign]
        method.step(1, [clips()])
        return [parameter.grad for parameter in method.networks["student"].parameters() if parameter.grad is not None]

    for one, two in zip(gradients(again=False), gradients(again=True), strict=True):
        torch.testing.assert_close(one, two)
