"""Which parameters are trained, and networks that grow."""

import pytest
import torch
from method_clips import F64, SMALL, clips, moved, network
from torch import nn

from lipforcing.network import LipNetwork
from lipforcing.presets import PRESETS
from lipforcing.weights.lora import merge
from services.trainer.methods.adapters import (
    ADAPTERS,
    FULL,
    AdaptedLinear,
    Trained,
    check_trained,
    choose_trained,
    parameters_of,
)
from services.trainer.methods.networks import predict_x0
from services.trainer.methods.sharding import on_meta

T_B = torch.tensor([0.5, 0.9], dtype=F64)


def x0_of(net: LipNetwork) -> torch.Tensor:
    return predict_x0(net, clips().x0_BZThw, T_B, clips())


@pytest.mark.parametrize(("preset", "count"), [("1.3b", 1_421_383_840), ("14b", 14_294_081_696)])
def test_a_network_that_is_trained_whole_has_the_published_number(preset: str, count: int) -> None:
    assert FULL.count(PRESETS[preset]) == parameters_of(PRESETS[preset]) == count


def test_adapters_of_rank_128_on_14b_train_613_million_and_the_audio_path() -> None:
    """40 blocks x (8 projections of 2 x 5120 and 2 of 5120 + 13824) x 128, as the authors' notes have it."""
    adapters = 40 * 128 * (8 * 2 * 5120 + 2 * (5120 + 13_824))
    audio = 32 * 4 * 10_752 + 32 + 64 + 19 * (32 * 5120 + 5120)
    assert adapters == 613_416_960
    assert ADAPTERS.count(PRESETS["14b"]) == adapters + audio + 5120 * 65 * 4 + 5120


def test_the_network_itself_has_as_many_as_the_arithmetic() -> None:
    adapted = choose_trained(on_meta(PRESETS["14b"]), ADAPTERS)
    found = sum(parameter.numel() for parameter in adapted.parameters() if parameter.requires_grad)
    assert found == ADAPTERS.count(PRESETS["14b"])


def test_untrained_adapters_change_nothing_and_only_they_and_the_audio_path_learn() -> None:
    net, plain = choose_trained(network(1), Trained(rank=3)), network(1)
    with torch.no_grad():
        assert torch.equal(x0_of(net), x0_of(plain))
    x0_of(net).square().sum().backward()
    reached = moved(net)
    assert reached
    assert all(".lora_B." in name or name.startswith(("audio_", "patch_embedding")) for name in reached)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if ".lora_B." in name:
                parameter.normal_(generator=torch.Generator().manual_seed(1))
    net.zero_grad()
    x0_of(net).square().sum().backward()
    assert moved(net) == {name for name, parameter in net.named_parameters() if parameter.requires_grad}


def test_a_trained_adapter_is_what_the_importer_merges() -> None:
    layer = AdaptedLinear(nn.Linear(6, 5), rank=2, alpha=64.0)
    nn.init.normal_(layer.lora_B.weight)
    x = torch.randn(3, 6)
    merged = merge(layer.weight, layer.lora_A.weight, layer.lora_B.weight)
    torch.testing.assert_close(layer(x), nn.functional.linear(x, merged, layer.bias))


def test_a_base_that_was_unfrozen_on_the_way_is_noticed() -> None:
    net = choose_trained(network(1), Trained(rank=3))
    net.requires_grad_(requires_grad=True)
    with pytest.raises(RuntimeError, match="parameters would be trained where"):
        check_trained(net, Trained(rank=3))


def test_sizes_of_the_tests_are_small() -> None:
    assert parameters_of(SMALL) < 100_000
