"""One step of a shrunken method, by one process or sharded over several."""

from dataclasses import replace
from typing import Any

import torch
from method_clips import NULL, SMALL, TEACHER, clips, network
from torch import Tensor
from torch.distributed.tensor import DTensor

from services.trainer.common.update import UpdatePlan
from services.trainer.methods.adapters import FULL, Trained, choose_trained
from services.trainer.methods.guidance import Guidance
from services.trainer.methods.recipe import MethodRecipe, build
from services.trainer.methods.samples import Clips
from services.trainer.methods.self_forcing import Stage2
from services.trainer.methods.sharding import checkpoint_blocks, shard
from services.trainer.methods.teacher import Teacher
from services.trainer.methods.training import Method
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
    taught_by = Teacher(TEACHER, frozen, NULL)
    return build(recipe, net, NULL, critic=critic, teacher=taught_by, reward=Likes())


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


def step_of(places: tuple[tuple[int, ...], ...], mesh: Any = None) -> dict[str, Tensor]:
    """Parameters and norms of gradients after a step of Stage 2 that trains every parameter; places of each micro-batch."""
    return after_one_step(shrunken("sf_1_3b"), [clips(some, dtype=F32) for some in places], mesh)
