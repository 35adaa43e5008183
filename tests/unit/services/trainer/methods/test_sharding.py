"""Networks in parts: groups, construction without memory, and blocks that are computed twice."""

from dataclasses import replace

import torch
from method_clips import NULL, SMALL, clips, network, teacher
from sharded_steps import F32, shrunken
from torch import Tensor

from services.trainer.methods.recipe import build
from services.trainer.methods.self_forcing import Stage2
from services.trainer.methods.sharding import checkpoint_blocks, groups_of, materialise, on_meta


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
