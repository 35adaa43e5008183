"""The network and the autoregressive loop against an oracle written from the description in plain float64."""

from collections.abc import Sequence

import lip_oracle as oracle
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipforcing.audio.pack import group_frames
from lipforcing.cache import Bidirectional, BlockCausal, StreamCache
from lipforcing.conditions import Conditions
from lipforcing.network import LipNetwork
from lipforcing.noise import block_noise
from lipforcing.presets import StudentConfig
from lipforcing.rollout import Policy, Student, clip_batches, eager, generate, rollout

SMALL = StudentConfig(dim=48, ffn=64, heads=2, layers=4, text_dim=6, text_len=3, audio_input=5, latent=4)
SIZES = {"layers": 4, "heads": 2, "window": 7, "sink": 1}
Clip = dict[str, NDArray[np.float64]]
CPU, F64 = torch.device("cpu"), torch.float64
BLOCKS = 6


@pytest.fixture(scope="module")
def network() -> LipNetwork:
    return random_network(SMALL)


def random_network(config: StudentConfig) -> LipNetwork:
    network = LipNetwork(config).double()
    generator = torch.Generator().manual_seed(7)
    for parameter in network.parameters():
        scale = 0.3 if parameter.ndim == 1 else 1.0 / np.sqrt(parameter[0].numel())
        parameter.data.normal_(std=float(scale), generator=generator)
    return network


@pytest.fixture(scope="module")
def clip() -> Clip:
    rng = np.random.default_rng(3)
    frames = 3 * BLOCKS
    return {
        "mask": (rng.random((4, 4)) > 0.5).astype(float),
        "masked": rng.standard_normal((16, frames, 4, 4)),
        "reference": rng.standard_normal((16, frames, 4, 4)),
        "speech": rng.standard_normal((4 * frames - 3, 5)),
        "text": rng.standard_normal((3, 6)),
    }


def conditions_of(clip: Clip) -> Conditions:
    tensors = {name: torch.from_numpy(value) for name, value in clip.items()}
    return Conditions(
        identity_BZhw=tensors["reference"][None, :, 0],
        mask_hw=tensors["mask"],
        masked_BZThw=tensors["masked"][None],
        reference_BZThw=tensors["reference"][None],
        speech_BTGA=group_frames(tensors["speech"][None]),
    )


def text_of(clip: Clip) -> torch.Tensor:
    return torch.from_numpy(clip["text"])[None]


def weights_of(network: LipNetwork) -> Clip:
    return {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}


def noise_of(block: int, draw: int) -> NDArray[np.float64]:
    return block_noise(11, 0, block, draw, (16, 3, 4, 4)).double().numpy()


@pytest.fixture(scope="module")
def expected(network: LipNetwork, clip: Clip) -> NDArray[np.float64]:
    return oracle.generate(weights_of(network), SIZES, clip, noise_of, SMALL.t_list)


def test_six_blocks_streamed_through_the_cache_equal_full_recomputation(
    network: LipNetwork, clip: Clip, expected: NDArray[np.float64]
) -> None:
    student = Student.frozen(network, text_of(clip))
    got = generate(student, conditions_of(clip), seed=11)[0].numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-8)


def test_fused_query_key_value_matrix_changes_nothing(clip: Clip, expected: NDArray[np.float64]) -> None:
    network = random_network(SMALL)
    network.fuse_qkv()
    got = generate(Student.frozen(network, text_of(clip)), conditions_of(clip), seed=11)[0].numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-8)


def test_every_weight_matters_to_the_result(network: LipNetwork, clip: Clip, expected: NDArray[np.float64]) -> None:
    unused = []
    for name, parameter in network.named_parameters():
        kept = parameter.data.clone()
        parameter.data += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1), dtype=F64)
        student = Student.frozen(network, text_of(clip))
        cut = conditions_of(clip).block(0)
        if np.allclose(generate(student, cut, seed=11)[0].numpy(), expected[:, :3], atol=1e-9):
            unused.append(name)
        parameter.data = kept
    assert unused == []


@pytest.mark.parametrize(("window", "sink"), [(7, 1), (10, 1), (13, 1), (9, 3), (12, 3)])
def test_full_sequence_forward_with_one_timestep_per_frame_equals_the_oracle(
    network: LipNetwork, clip: Clip, window: int, sink: int
) -> None:
    frames = 3 * BLOCKS
    rng = np.random.default_rng(5)
    x = rng.standard_normal((16, frames, 4, 4))
    times = np.repeat(rng.choice([0.999, 0.769, 0.0], BLOCKS), 3)
    windows = [(list(range(3 * b, 3 * b + 3)), oracle.visible(b, window, sink)) for b in range(BLOCKS)]
    want = oracle.flow(weights_of(network), SIZES, x, times, clip=clip, windows=windows)
    attention = BlockCausal(SMALL, frames, CPU, F64, (window, sink))
    with torch.no_grad():
        got = network(torch.from_numpy(x)[None], torch.from_numpy(times)[None], conditions_of(clip), text_of(clip), attention)
    np.testing.assert_allclose(got[0].numpy(), want, rtol=1e-8, atol=1e-8)


def test_bidirectional_forward_equals_the_oracle(network: LipNetwork, clip: Clip) -> None:
    frames = 6
    x = np.random.default_rng(6).standard_normal((16, frames, 4, 4))
    everything = [(list(range(frames)), list(range(frames)))]
    want = oracle.flow(weights_of(network), SIZES, x, [0.6] * frames, clip=clip, windows=everything)
    both = conditions_of(clip)
    first_two = Conditions(
        both.identity_BZhw, both.mask_hw, both.masked_BZThw[:, :, :6], both.reference_BZThw[:, :, :6],
        both.speech_BTGA[:, :6],
    )  # fmt: skip
    with torch.no_grad():
        got = network(
            torch.from_numpy(x)[None], torch.tensor([0.6], dtype=F64), first_two, text_of(clip),
            Bidirectional(SMALL, frames, CPU, F64),
        )  # fmt: skip
    np.testing.assert_allclose(got[0].numpy(), want, rtol=1e-8, atol=1e-8)


class OneStep:
    """Pure noise to a clean block in one call, with gradients."""

    def exit_step(self, blocks: Sequence[int]) -> int:
        del blocks
        return 0

    def differentiable(self, blocks: Sequence[int], step: int) -> bool:
        del blocks, step
        return True


def test_training_rollout_gives_the_same_blocks_as_serving_and_isolates_their_gradients(
    network: LipNetwork, clip: Clip
) -> None:
    """At K = 1 each block's gradient is that of one denoiser call on a constant past."""
    conditions, text = conditions_of(clip), text_of(clip)

    def run(student: Student, policy: Policy, inputs: list[list[Tensor]]) -> list[Tensor]:
        cache = StreamCache(SMALL, 1, CPU, F64)
        return list(rollout(eager(student, cache, policy), clip_batches(conditions, lambda b, k: inputs[b][k])))

    inputs = [[torch.from_numpy(noise_of(b, k))[None] for k in range(2)] for b in range(BLOCKS)]
    leaves = [[n[0].clone().requires_grad_()] for n in inputs]
    trained = run(Student.trained(network, text), OneStep(), leaves)

    class Frozen(OneStep):
        def differentiable(self, blocks: Sequence[int], step: int) -> bool:
            del blocks, step
            return False

    with torch.no_grad():
        served = run(Student.frozen(network, text), Frozen(), inputs)
    for a, b in zip(trained, served, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)
    trained[3].square().sum().backward()
    assert [leaf[0].grad is not None and bool(leaf[0].grad.any()) for leaf in leaves] == [block == 3 for block in range(BLOCKS)]


@pytest.mark.parametrize("block", range(BLOCKS))
def test_streaming_one_step_equals_the_full_sequence_forward_of_the_product(
    network: LipNetwork, clip: Clip, block: int
) -> None:
    """With the past clean at t = 0 and the newest block at t, both forms of attention compute the same flow."""
    conditions, text = conditions_of(clip), text_of(clip)
    clean = torch.from_numpy(np.random.default_rng(8).standard_normal((1, 16, 3 * BLOCKS, 4, 4)))
    student = Student.frozen(network, text)
    cache = StreamCache(SMALL, 1, CPU, F64)
    newest = slice(3 * block, 3 * block + 3)
    with torch.no_grad():
        for past in range(block):
            x = clean[:, :, 3 * past : 3 * past + 3]
            network(x, student.times[-1], conditions.block(past), text, cache.step([0], [past], store=True))
        t = torch.tensor([0.769], dtype=F64)
        streamed = network(clean[:, :, newest], t, conditions.block(block), text, cache.step([0], [block]))
        frames = 3 * block + 3
        times = torch.zeros(1, frames, dtype=F64)
        times[:, newest] = 0.769
        cut = Conditions(
            conditions.identity_BZhw, conditions.mask_hw, conditions.masked_BZThw[:, :, :frames],
            conditions.reference_BZThw[:, :, :frames], conditions.speech_BTGA[:, :frames],
        )  # fmt: skip
        whole = network(clean[:, :, :frames], times, cut, text, BlockCausal(SMALL, frames, CPU, F64))
    torch.testing.assert_close(streamed, whole[:, :, newest], rtol=1e-9, atol=1e-10)


def test_gradients_survive_the_overwriting_of_the_cache_by_later_blocks(network: LipNetwork, clip: Clip) -> None:
    """The backward pass runs after the whole rollout; each block's gradient must be that of its own time."""
    conditions, text = conditions_of(clip), text_of(clip)

    def gradient(stop: int) -> torch.Tensor:
        network.zero_grad()
        cache = StreamCache(SMALL, 1, CPU, F64)
        batches = clip_batches(conditions, lambda b, k: torch.from_numpy(noise_of(b, k))[None])
        blocks = []
        for x0 in rollout(eager(Student.trained(network, text), cache, OneStep()), batches):
            blocks.append(x0)
            if len(blocks) == stop:
                break
        blocks[2].square().sum().backward()
        return network.blocks[1].self_attn.k.weight.grad.clone()

    torch.testing.assert_close(gradient(stop=3), gradient(stop=BLOCKS), rtol=1e-9, atol=1e-12)
