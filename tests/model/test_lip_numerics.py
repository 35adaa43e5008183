"""Single pieces of the model against the published description: rotary split, norms, orders, schedule, noise, masks, sizes."""

import hashlib

import lip_oracle as oracle
import numpy as np
import pytest
import torch

from lipforcing.audio.pack import group_frames
from lipforcing.blocks import RMSNorm
from lipforcing.cache import visible_frames
from lipforcing.contract import mouth_mask
from lipforcing.mask import generate_mask, grey_mouth
from lipforcing.network import LipNetwork, initialise
from lipforcing.noise import block_noise
from lipforcing.presets import PRESETS, TEACHERS, TRAINING_WINDOWS, StudentConfig
from lipforcing.rope import axis_pairs, rope_angles, rotate
from lipforcing.schedule import add_noise, flow_to_x0, guidance_window, sampling_grid

CPU, F64 = torch.device("cpu"), torch.float64
SMALL = StudentConfig(dim=48, ffn=64, heads=2, layers=4, text_dim=6, text_len=3, audio_input=5, latent=4)


@pytest.mark.parametrize(("preset", "tensors", "parameters"), [("1.3b", 857, 1_421_383_840), ("14b", 1137, 14_294_081_696)])
def test_released_sizes_have_the_published_number_of_tensors_and_parameters(preset: str, tensors: int, parameters: int) -> None:
    with torch.device("meta"):
        state = LipNetwork(PRESETS[preset]).state_dict()
    assert len(state) == tensors
    assert sum(tensor.numel() for tensor in state.values()) == parameters


def test_tensors_carry_the_published_names_and_shapes() -> None:
    with torch.device("meta"):
        shapes = {name: tuple(tensor.shape) for name, tensor in LipNetwork(PRESETS["14b"]).state_dict().items()}
    dim = 5120
    published = {
        "patch_embedding.weight": (dim, 65, 1, 2, 2), "text_embedding.0.weight": (dim, 4096), "text_embedding.2.bias": (dim,),
        "time_embedding.0.weight": (dim, 256), "time_projection.1.weight": (6 * dim, dim), "head.modulation": (1, 2, dim),
        "head.head.weight": (64, dim), "audio_proj.proj.weight": (32, 43_008), "audio_proj.norm_out.bias": (32,),
        "audio_cond_projs.18.weight": (dim, 32), "blocks.39.modulation": (1, 6, dim), "blocks.0.norm3.bias": (dim,),
        "blocks.0.self_attn.norm_k.weight": (dim,), "blocks.7.cross_attn.o.weight": (dim, dim),
        "blocks.7.ffn.0.weight": (13_824, dim), "blocks.7.ffn.2.weight": (dim, 13_824), "blocks.7.self_attn.q.bias": (dim,),
    }  # fmt: skip
    assert {name: shapes[name] for name in published} == published
    assert "audio_cond_projs.19.weight" not in shapes


def test_audio_is_heard_before_blocks_2_to_half_the_depth() -> None:
    assert list(PRESETS["14b"].audio_layers) == list(range(2, 21))
    assert list(PRESETS["1.3b"].audio_layers) == list(range(2, 16))


def test_the_tiny_preset_stays_tiny() -> None:
    network = LipNetwork(PRESETS["tiny"])
    assert sum(parameter.numel() for parameter in network.parameters()) <= 6_000_000


def test_a_head_of_128_gives_22_pairs_to_time_and_21_each_to_rows_and_columns() -> None:
    assert axis_pairs(128) == (22, 21, 21)


def test_rotation_equals_complex_multiplication_of_adjacent_elements() -> None:
    config = StudentConfig(dim=256, ffn=64, heads=2, layers=4, text_dim=6, text_len=3, audio_input=5, latent=6)
    frames, grid = 7, 3
    x = np.random.default_rng(0).standard_normal((frames * grid * grid, 2, 128))
    angles = rope_angles(config, frames, CPU, F64)
    got = rotate(torch.from_numpy(x)[None], angles)[0].numpy()
    for token in range(len(x)):
        table = oracle.rope_table(128, token // 9, token % 9 // 3, token % 3)
        for head in range(2):
            np.testing.assert_allclose(got[token, head], oracle.rotate_token(x[token, head], table), atol=1e-12)


def test_rotation_of_bf16_is_computed_in_float32_and_rounded_once() -> None:
    config = StudentConfig(dim=256, ffn=64, heads=2, layers=4, text_dim=6, text_len=3, audio_input=5, latent=6)
    x = torch.randn(1, 63, 2, 128, generator=torch.Generator().manual_seed(0)).bfloat16()
    got = rotate(x, rope_angles(config, 7, CPU, torch.bfloat16))
    exact = rotate(x.double(), rope_angles(config, 7, CPU, F64))
    assert got.dtype == torch.bfloat16
    # Half a unit in the last of bf16's 8 significant bits, and float32's error on top.
    assert ((got.double() - exact).abs() <= exact.abs() * 2.0**-8 + 1e-6).all()


def test_query_and_key_norm_spans_the_full_width_not_one_head() -> None:
    x = np.concatenate([np.ones(24), 100 * np.ones(24)])
    norm = RMSNorm(48, 1e-6).double()
    got = norm(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(got, oracle.rms_full_width(x, np.ones(48)), rtol=1e-12)
    assert got[0] < 0.05


def test_latent_0_hears_frame_0_four_times_and_latent_k_the_frames_that_it_decodes_to() -> None:
    frames = torch.arange(21.0).view(1, 21, 1)
    got = group_frames(frames)[0, :, :, 0].int().tolist()
    assert got[0] == [0, 0, 0, 0]
    assert got[1:] == [[4 * k - 3, 4 * k - 2, 4 * k - 1, 4 * k] for k in range(1, 6)]


def test_speech_that_does_not_fill_whole_latents_is_refused() -> None:
    with pytest.raises(ValueError, match=r"1 \+ 4k"):
        group_frames(torch.zeros(1, 20, 3))


def test_a_tokens_outputs_are_row_column_channel() -> None:
    network = LipNetwork(SMALL)
    tokens = np.random.default_rng(2).standard_normal((3, 4, 64))
    got = network._unpatch(torch.from_numpy(tokens)[None], torch.empty(1, 16, 3, 4, 4))[0].numpy()
    np.testing.assert_array_equal(got, oracle.unpatchify(tokens, 4, 4))


def test_x0_and_renoising_are_evaluated_in_float64_and_rounded_once() -> None:
    g = torch.Generator().manual_seed(1)
    x, v = (torch.randn(2, 16, 3, 4, 4, generator=g).bfloat16() for _ in range(2))
    t = 0.769
    x64, v64 = x.double().numpy(), v.double().numpy()
    assert torch.equal(flow_to_x0(x, v, t), torch.from_numpy(x64 - t * v64).bfloat16())
    assert torch.equal(add_noise(x, v, t), torch.from_numpy((1 - t) * x64 + t * v64).bfloat16())
    assert torch.equal(flow_to_x0(x, v, 0.0), x)


def test_timesteps_per_sample_and_per_latent_frame_reach_their_own_latents() -> None:
    x, noise = torch.zeros(2, 1, 3, 1, 1, dtype=F64), torch.ones(2, 1, 3, 1, 1, dtype=F64)
    assert add_noise(x, noise, torch.tensor([0.25, 0.5])).flatten().tolist() == [0.25] * 3 + [0.5] * 3
    per_frame = torch.tensor([[0.0, 0.1, 0.2], [0.3, 0.4, 0.5]], dtype=F64)
    assert add_noise(x, noise, per_frame).view(2, 3).tolist() == per_frame.tolist()


def test_the_students_second_timestep_is_step_30_of_the_teachers_50() -> None:
    grid = sampling_grid(50, 5.0)
    want = {0: 0.999, 10: 0.952, 15: 0.921, 20: 0.8821, 25: 0.8331, 30: 0.7689, 35: 0.6815, 40: 0.5552, 45: 0.3569, 49: 0.0925}
    for step, t in want.items():
        assert float(grid[step]) == pytest.approx(t, abs=6e-4)
    assert round(float(grid[30]), 3) == PRESETS["14b"].t_list[1]
    assert float(grid[50]) == 0.0


def test_the_guidance_window_holds_both_of_its_end_steps() -> None:
    low, high = guidance_window(TEACHERS["14b"])
    grid = sampling_grid(50, 5.0)
    assert [step for step in range(51) if low <= float(grid[step]) <= high] == list(range(20, 41))
    assert (round(low, 3), round(high, 3)) == (0.555, 0.882)


class TestNoise:
    shape = (16, 3, 8, 8)

    def test_it_is_the_same_every_time_whatever_was_drawn_before(self) -> None:
        first = block_noise(42, 3, 5, 1, self.shape)
        block_noise(1, 1, 1, 1, self.shape)
        torch.manual_seed(9)
        assert torch.equal(first, block_noise(42, 3, 5, 1, self.shape))

    def test_every_argument_matters(self) -> None:
        places = [(42, 3, 5, 1), (43, 3, 5, 1), (42, 4, 5, 1), (42, 3, 6, 1), (42, 3, 5, 0), (-42, 3, 5, 1)]
        drawn = [block_noise(*place, self.shape) for place in places]
        assert len({tuple(noise.flatten()[:4].tolist()) for noise in drawn}) == len(places)

    def test_it_is_pinned_to_these_values_for_ever(self) -> None:
        want = torch.tensor(PINNED)
        torch.testing.assert_close(block_noise(42, 0, 0, 0, (4,)), want, rtol=1e-6, atol=1e-7)

    def test_it_is_standard_normal(self) -> None:
        x = block_noise(7, 0, 0, 0, (16, 3, 64, 64)).double()
        assert abs(float(x.mean())) < 0.01
        assert abs(float(x.std()) - 1) < 0.01
        assert abs(float((x**4).mean()) - 3) < 0.1

    def test_numbers_out_of_range_are_refused(self) -> None:
        with pytest.raises(ValueError, match="block must be in"):
            block_noise(1, 1, -1, 0, self.shape)


PINNED = [0.23454992, 0.58429873, -0.4201588, 0.32768187]


@pytest.mark.parametrize(("window", "sink"), TRAINING_WINDOWS)
def test_block_causal_windows_equal_brute_force_token_by_token(window: int, sink: int) -> None:
    blocks = 7
    got = np.zeros((3 * blocks, 3 * blocks), bool)
    for block in range(blocks):
        got[3 * block : 3 * block + 3, visible_frames(block, window, sink)] = True
    for query in range(3 * blocks):
        end = (query // 3 + 1) * 3
        for key in range(3 * blocks):
            assert got[query, key] == (key < end and (key >= end - (window - sink) or key < sink))


# Rows of the published mask at 64 x 64 -> inclusive runs of columns that are generated.
PUBLISHED_RUNS = {
    24: [(2, 19), (44, 61)], 25: [(2, 19), (44, 61)], 26: [(2, 19), (44, 61)], 27: [(2, 19), (44, 61)],
    28: [(2, 19), (44, 61)], 29: [(2, 19), (44, 61)], 30: [(2, 19), (44, 61)], 31: [(2, 19), (44, 61)],
    32: [(2, 61)], 33: [(2, 61)], 34: [(2, 61)], 35: [(2, 61)], 36: [(2, 61)], 37: [(3, 61)], 38: [(3, 61)],
    39: [(3, 61)], 40: [(3, 61)], 41: [(3, 60)], 42: [(3, 60)], 43: [(3, 60)], 44: [(4, 59)], 45: [(5, 58)],
    46: [(5, 58)], 47: [(6, 57)], 48: [(7, 56)], 49: [(8, 56)], 50: [(8, 55)], 51: [(9, 54)], 52: [(11, 53)],
    53: [(12, 52)], 54: [(13, 51)], 55: [(15, 49)], 56: [(17, 48)], 57: [(19, 46)], 58: [(21, 44)], 59: [(23, 41)],
    60: [(27, 38)],
}  # fmt: skip

PUBLISHED_512 = "560fe5c678a546b62160a280cb2f8845b658c96eaf9519517c27a4bb35e7fe79"
# Crop and latents of ``tiny``: digests from before the published picture was known to the pixel.
TRAINED_WITH = {
    128: "92d2a31160611682375bd7d41867128976b539af30900aa569c0d5382cc32e8a",
    16: "b7b0cac4fa794dab10a9555a18eedfa54f906a9e097b30ecd50b668b83aef5b1",
}


class TestMouthMask:
    def test_at_latent_resolution_it_has_the_published_runs(self) -> None:
        mask = mouth_mask(64)
        assert int(mask.sum()) == 1680
        assert int((~mask).sum()) == 2416
        assert {row: runs(mask[row]) for row in range(64) if mask[row].any()} == PUBLISHED_RUNS
        assert not mask[:24].any()
        assert not mask[61:].any()

    def test_at_the_released_crop_every_pixel_is_the_published_one(self) -> None:
        mask = mouth_mask(512)
        assert int(mask.sum()) == 106_692
        assert hashlib.sha256(mask.astype(np.uint8).tobytes()).hexdigest() == PUBLISHED_512

    def test_at_its_own_size_it_is_the_published_picture(self) -> None:
        mask = mouth_mask(256)
        assert int(mask.sum()) == 26_673
        assert runs(mask[95]) == [(9, 77), (178, 246)]
        assert runs(mask[200]) == [(33, 223)]
        assert runs(mask[242]) == [(131, 152)]
        assert not mask[:95].any()
        assert not mask[243:].any()

    @pytest.mark.parametrize(("size", "digest"), TRAINED_WITH.items())
    def test_the_demonstration_model_is_shown_the_masks_that_its_committed_weights_were_trained_with(
        self, size: int, digest: str
    ) -> None:
        assert hashlib.sha256(mouth_mask(size).astype(np.uint8).tobytes()).hexdigest() == digest

    def test_the_network_is_told_1_where_it_shall_generate(self) -> None:
        channel = generate_mask(64)
        assert channel.dtype == torch.float32
        assert channel[40, 32] == 1
        assert channel[0, 0] == 0

    def test_masked_frames_are_mid_grey_in_the_mouth_and_untouched_elsewhere(self) -> None:
        x = torch.full((3, 2, 128, 128), 0.5)
        masked = grey_mouth(x)
        mouth = torch.from_numpy(mouth_mask(128))
        assert (masked[..., mouth] == 0).all()
        assert (masked[..., ~mouth] == 0.5).all()


def runs(row: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
    return [(int(a), int(b) - 1) for a, b in zip(edges[0::2], edges[1::2], strict=True)]


def test_fresh_weights_are_a_pure_function_of_the_seed_and_predict_no_flow() -> None:
    one, two, other = (LipNetwork(SMALL) for _ in range(3))
    for network, seed in ((one, 1), (two, 1), (other, 2)):
        initialise(network, seed)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.blocks[0].ffn[0].weight, other.blocks[0].ffn[0].weight)
    assert not one.head.head.weight.any()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"heads": 5}, "does not split into 5 heads"),
        ({"layers": 5}, "layers must be even"),
        ({"latent": 5}, "latent side must be even"),
        ({"window": 3}, "cannot hold sink 1 and one block"),
        ({"t_list": (0.9, 0.95, 0.0)}, "t_list must fall to 0"),
    ],
)
def test_impossible_sizes_are_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        StudentConfig.from_json({**SMALL.to_json(), **change})


def test_sizes_survive_json() -> None:
    assert StudentConfig.from_json(SMALL.to_json()) == SMALL
