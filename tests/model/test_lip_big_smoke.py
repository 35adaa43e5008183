"""The 1.3B student at its full width and depth on a CPU: two blocks in bf16 with random weights, in less than 24 GiB.

Crops of 64 pixels instead of 512 (a sixty-fourth of the tokens) keep it at seconds; no weight depends on the crop.
"""

import resource
from dataclasses import replace

import pytest
import torch

from lipforcing.cache import StreamCache
from lipforcing.conditions import Conditions
from lipforcing.mask import generate_mask
from lipforcing.network import LipNetwork
from lipforcing.presets import PRESETS
from lipforcing.rollout import BlockBatch, Student, eager, seeded_noise

SIDE = 8
CPU, BF16 = torch.device("cpu"), torch.bfloat16


def random_network() -> LipNetwork:
    with torch.device("meta"):
        network = LipNetwork(replace(PRESETS["1.3b"], latent=SIDE)).to(BF16)
    network = network.to_empty(device=CPU).requires_grad_(requires_grad=False)
    # One block of numbers, repeated: speed and memory do not depend on the values, and drawing 1.4 billion takes long.
    numbers = torch.randn(1 << 20, generator=torch.Generator().manual_seed(0)).to(BF16)
    for name, parameter in network.named_parameters():
        flat = parameter.data.view(-1)
        for piece in flat.split(len(numbers)):
            piece.copy_(numbers[: len(piece)])
        fan = parameter[0].numel() if parameter.ndim > 1 else 100
        parameter.data.mul_(fan**-0.5).add_(1.0 if "norm" in name and name.endswith("weight") else 0.0)
    return network


@pytest.mark.slow
def test_two_blocks_of_the_full_size_student_fit_a_small_machine_and_stay_finite() -> None:
    network = random_network()
    network.fuse_qkv()
    config = network.config
    student = Student.frozen(network, torch.randn(1, config.text_len, config.text_dim).to(BF16))
    cache = StreamCache(config, 1, CPU, BF16)
    run = eager(student, cache)
    blocks = []
    for block in range(2):
        conditions = Conditions(
            torch.randn(1, 16, SIDE, SIDE).to(BF16),
            generate_mask(SIDE, dtype=BF16),
            torch.randn(1, 16, 3, SIDE, SIDE).to(BF16),
            torch.randn(1, 16, 3, SIDE, SIDE).to(BF16),
            torch.randn(1, 3, 4, config.audio_input).to(BF16),
        )
        with torch.inference_mode():
            x0, context = run(BlockBatch([0], [block], conditions, seeded_noise(config, [(1, 0, block)])))
            context()
        blocks.append(x0)
    assert all(bool(torch.isfinite(x0).all()) for x0 in blocks)
    assert not torch.equal(blocks[0], blocks[1])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 24 * 2**20
