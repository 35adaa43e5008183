"""SyncNet: cepstra, architecture, loading, the metric, and training a small one."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lipforcing.audio.mfcc import mfcc
from lipforcing.syncnet import (
    ClipScorer,
    SyncNet,
    SyncNetMetric,
    SyncSizes,
    distances,
    prepare_pictures,
    prepare_sound,
    score_of,
)
from lipforcing.weights.errors import KeyMismatchError, UnreadableWeightsError
from lipforcing.weights.syncnet import load_syncnet
from services.trainer.common.optimise import Optimisation
from services.trainer.methods.sync_training import Spoken, SyncStage, places_of, train_syncnet

SMALL = SyncSizes(side=64, divide=32)


class TestCepstra:
    """python_speech_features 0.6 with its defaults."""

    def test_golden_vectors_of_the_published_library(self) -> None:
        """``mfcc(x, 16000)`` of that library, run on these integers; its columns 3 and 8."""
        t = np.arange(1600) / 16_000
        x = np.round(8000 * np.sin(2 * np.pi * 440 * t) + 2000 * np.sin(2 * np.pi * 3000 * t * t * 10))
        golden = {
            3: [20.135968, 4.921848, -23.487962, 36.258727, -19.277448, -61.583599, -13.759414, -11.526657, -0.92118,
                16.222105, 7.01725, 25.129045, 21.111004],
            8: [20.812476, -9.447522, 27.202124, -19.722468, -29.061305, -9.061706, -56.825055, 20.032717, -33.232635,
                36.102264, 2.336783, 23.560989, 8.915544],
        }  # fmt: skip
        got = mfcc(torch.from_numpy(x / 32_768.0).float())
        assert got.shape == (13, 9)
        for column, want in golden.items():
            np.testing.assert_allclose(got[:, column].numpy(), want, atol=2e-4)

    def test_81_frames_have_323_columns_and_76_windows(self) -> None:
        sound = torch.randn(51_840) * 0.1
        assert mfcc(sound).shape == (13, 323)
        windows = prepare_sound(sound)
        assert windows.shape == (76, 13, 20)
        torch.testing.assert_close(windows[5], mfcc(sound)[:, 20:40])

    def test_silence_is_finite(self) -> None:
        assert torch.isfinite(mfcc(torch.zeros(8_000))).all()

    @pytest.mark.parametrize("wrong", [torch.zeros(2, 800), torch.zeros(800, dtype=torch.bfloat16)])
    def test_two_channels_and_half_precision_are_refused(self, wrong: Tensor) -> None:
        with pytest.raises(ValueError, match="one channel in float32"):
            mfcc(wrong)


class TestArchitecture:
    """The published table, key by key."""

    def test_published_keys_and_shapes(self) -> None:
        with torch.device("meta"):
            shapes = {name: tuple(tensor.shape) for name, tensor in SyncNet().state_dict().items()}
        want = {
            "netcnnaud.0": (64, 1, 3, 3), "netcnnaud.4": (192, 64, 3, 3), "netcnnaud.8": (384, 192, 3, 3),
            "netcnnaud.11": (256, 384, 3, 3), "netcnnaud.14": (256, 256, 3, 3), "netcnnaud.18": (512, 256, 5, 4),
            "netcnnlip.0": (96, 3, 5, 7, 7), "netcnnlip.4": (256, 96, 1, 5, 5), "netcnnlip.8": (256, 256, 1, 3, 3),
            "netcnnlip.11": (256, 256, 1, 3, 3), "netcnnlip.14": (256, 256, 1, 3, 3), "netcnnlip.18": (512, 256, 1, 6, 6),
            "netfcaud.0": (512, 512), "netfcaud.3": (1024, 512), "netfclip.0": (512, 512), "netfclip.3": (1024, 512),
        }  # fmt: skip
        for name, shape in want.items():
            assert shapes[f"{name}.weight"] == shape, name
            assert shapes[f"{name}.bias"] == shape[:1], name
        norms = [f"netcnn{half}.{index}" for half in ("aud", "lip") for index in (1, 5, 9, 12, 15, 19)]
        norms += ["netfcaud.1", "netfclip.1"]
        kinds = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
        keys = {f"{norm}.{kind}" for norm in norms for kind in kinds} | {f"{n}.{k}" for n in want for k in ("weight", "bias")}
        assert shapes.keys() == keys

    def test_published_strides_and_the_trace_of_shapes(self) -> None:
        with torch.device("meta"):
            net, x, pictures = SyncNet(), torch.zeros(2, 1, 13, 20), torch.zeros(2, 3, 5, 224, 224)
            sound = []
            for layer in net.netcnnaud:
                x = layer(x)
                sound.append(tuple(x.shape[2:]))
            lips = []
            for layer in net.netcnnlip:
                pictures = layer(pictures)
                lips.append(tuple(pictures.shape[2:]))
        assert [sound[i] for i in (3, 7, 17, 20)] == [(13, 20), (11, 9), (5, 4), (1, 1)]
        assert [lips[i][1] for i in (0, 3, 4, 7, 17, 20)] == [109, 54, 26, 13, 6, 1]
        assert {one[0] for one in lips} == {1}

    def test_a_picture_that_is_too_small_is_refused(self) -> None:
        with pytest.raises(ValueError, match="too small"):
            SyncNet(SyncSizes(side=32))


class TestLoading:
    """Weights only."""

    def test_a_state_dict_loads_also_without_counters_of_batches(self, tmp_path: Path) -> None:
        torch.manual_seed(1)
        net = SyncNet(SMALL)
        old = {name: tensor for name, tensor in net.state_dict().items() if not name.endswith("num_batches_tracked")}
        torch.save(old, tmp_path / "syncnet.model")
        loaded = load_syncnet(tmp_path / "syncnet.model", SMALL)
        assert not loaded.training
        assert not any(parameter.requires_grad for parameter in loaded.parameters())
        for name, tensor in loaded.state_dict().items():
            if name in old:
                assert torch.equal(tensor, old[name])

    def test_a_pickled_module_is_refused_unopened(self, tmp_path: Path) -> None:
        torch.save(SyncNet(SMALL), tmp_path / "syncnet.model")
        with pytest.raises(UnreadableWeightsError, match="would run code"):
            load_syncnet(tmp_path / "syncnet.model", SMALL)

    def test_another_networks_shapes_are_named(self, tmp_path: Path) -> None:
        torch.save(SyncNet(SMALL).state_dict(), tmp_path / "syncnet.model")
        with pytest.raises(KeyMismatchError, match=r"netcnnaud\.0\.weight"):
            load_syncnet(tmp_path / "syncnet.model", SyncSizes(side=64, divide=16))


def table_by_hand(lips: NDArray[np.float64], sounds: NDArray[np.float64]) -> list[float]:
    """The published definition with loops: sounds outside the clip are zeros, and all places count."""
    found = []
    for shift in range(-15, 16):
        total = 0.0
        for place, lip in enumerate(lips):
            inside = 0 <= place + shift < len(sounds)
            sound = sounds[place + shift] if inside else np.zeros_like(lip)
            total += math.sqrt(sum((float(a) - float(b) + 1e-6) ** 2 for a, b in zip(lip, sound, strict=True)))
        found.append(total / len(lips))
    return found


class TestMetric:
    """Sync-C, Sync-D and offset."""

    def test_distances_equal_the_definition(self) -> None:
        rng = np.random.default_rng(0)
        lips, sounds = rng.standard_normal((20, 6)), rng.standard_normal((20, 6))
        got = distances(torch.from_numpy(lips), torch.from_numpy(sounds))
        np.testing.assert_allclose(got.numpy(), table_by_hand(lips, sounds), rtol=1e-10)

    def test_confidence_distance_and_offset_equal_the_definition(self) -> None:
        table = torch.tensor([5.0 + 0.1 * abs(shift - 4) for shift in range(-15, 16)], dtype=torch.float64)
        median = sorted(table.tolist())[15]
        score = score_of(table)
        assert score.distance == pytest.approx(5.0)
        assert score.confidence == pytest.approx(median - 5.0)
        assert score.offset == -4
        assert score.in_time == pytest.approx(median - 5.4)

    @pytest.mark.parametrize("shift", [-7, -3, 0, 2, 15])
    def test_a_synthetic_shift_is_found_with_its_sign(self, shift: int) -> None:
        """Sound i belongs to picture i - shift: the sound comes later, so the offset is negative."""
        sounds = torch.randn(60, 8, generator=torch.Generator().manual_seed(1))
        lips = torch.randn(60, 8, generator=torch.Generator().manual_seed(2))
        for place in range(60):
            if 0 <= place + shift < 60:
                lips[place] = sounds[place + shift]
        assert score_of(distances(lips, sounds)).offset == -shift

    def test_a_shifted_mouth_is_confident_and_earns_nothing(self) -> None:
        sounds = torch.randn(60, 8, generator=torch.Generator().manual_seed(1))
        right, late = score_of(distances(sounds, sounds)), score_of(distances(sounds.roll(4, 0), sounds))
        assert right.in_time == pytest.approx(right.confidence)
        assert late.confidence > 0.7 * right.confidence
        assert late.in_time < 0.1 * right.in_time

    @pytest.mark.parametrize(("places", "reach"), [(20, 15), (6, 5)])
    def test_inside_a_short_clip_nothing_is_compared_with_zeros(self, places: int, reach: int) -> None:
        rng = np.random.default_rng(0)
        lips, sounds = rng.standard_normal((places, 6)), rng.standard_normal((places, 6))
        got = distances(torch.from_numpy(lips), torch.from_numpy(sounds), inside=True)
        assert len(got) == 2 * reach + 1
        for shift in (-reach, -2, 0, 3, reach):
            pairs = [(lips[i], sounds[i + shift]) for i in range(places) if 0 <= i + shift < places]
            wanted = np.mean([np.linalg.norm(lip - sound + 1e-6) for lip, sound in pairs])
            assert float(got[shift + reach]) == pytest.approx(wanted)

    @pytest.mark.parametrize(("frames", "inside"), [(9, True), (35, True), (36, False), (81, False)])
    def test_clips_of_fewer_places_than_shifts_are_compared_within_themselves(self, frames: int, inside: bool) -> None:
        torch.manual_seed(0)
        network = SyncNet(SMALL)
        clip = talking(1, frames)
        pictures, sound = torch.from_numpy(clip.frames_VHWC), torch.from_numpy(clip.waveform_S)
        found = ClipScorer.of_clips(network, frames).score(pictures, sound)
        assert found == ClipScorer(network, inside=inside).score(pictures, sound)
        assert found != ClipScorer(network, inside=not inside).score(pictures, sound)

    def test_unequal_lengths_are_refused(self) -> None:
        with pytest.raises(ValueError, match="cannot be compared"):
            distances(torch.zeros(3, 2), torch.zeros(4, 2))

    def test_pictures_become_bgr_in_0_to_255(self) -> None:
        frames = torch.zeros(6, 8, 8, 3, dtype=torch.uint8)
        frames[..., 0], frames[..., 2] = 200, 50
        made = prepare_pictures(frames, 16)
        assert made.shape == (6, 3, 16, 16)
        assert [float(made[0, channel, 3, 3]) for channel in range(3)] == [50.0, 0.0, 200.0]
        with pytest.raises(ValueError, match="5 uint8 pictures or more"):
            prepare_pictures(frames.float(), 16)

    def test_places_are_one_per_frame_less_five_as_published(self) -> None:
        scorer = ClipScorer(SyncNet(SMALL))
        frames = torch.randint(0, 255, (21, 64, 64, 3), dtype=torch.uint8)
        assert scorer.pictures(frames).shape == (16, 32)
        assert scorer.sounds(torch.randn(21 * 640)).shape == (16, 32)
        longer = scorer.score(frames, torch.cat([torch.zeros(21 * 640), torch.ones(9_000)]))
        assert isinstance(longer, SyncNetMetric)

    def test_a_window_is_five_frames_from_its_place_on(self) -> None:
        scorer = ClipScorer(SyncNet(SMALL))
        frames = torch.randint(0, 255, (12, 64, 64, 3), dtype=torch.uint8)
        with torch.no_grad():
            one = scorer.network.pictures(prepare_pictures(frames[3:8].repeat(2, 1, 1, 1)[:6], 64)[:5].transpose(0, 1)[None])
        torch.testing.assert_close(scorer.pictures(frames)[3], one[0], rtol=1e-4, atol=1e-5)


def talking(seed: int, frames: int = 33) -> Spoken:
    """A bar that is as tall as the sound is loud."""
    rng = np.random.default_rng(seed)
    loud = np.repeat(rng.random(frames // 3 + 1), 3)[:frames]
    sound = rng.standard_normal(frames * 640) * np.repeat(loud, 640) * 0.3
    pictures = np.full((frames, 64, 64, 3), 90, np.uint8)
    for frame, level in enumerate(loud):
        pictures[frame, 30 : 31 + int(25 * level), 16:48] = 250
    return Spoken(pictures, sound.astype(np.float32))


def offsets(network: SyncNet, clips: list[Spoken]) -> list[int]:
    """Of every clip against its own sound."""
    scorer = ClipScorer(network)
    return [scorer.score(torch.from_numpy(clip.frames_VHWC), torch.from_numpy(clip.waveform_S)).offset for clip in clips]


def test_a_small_syncnet_learns_which_sound_belongs_to_which_picture() -> None:
    plan = Optimisation(30, 14, 1e-2, warm_up=5, ema=0.9, clip=10.0)
    stage = SyncStage(plan, SyncSizes(side=64, divide=16), calibration=6)
    network, curve = train_syncnet([talking(seed) for seed in range(12)], stage, seed=1)
    assert curve.skipped == 0
    assert not any(parameter.requires_grad for parameter in network.parameters())
    held_out = [talking(seed) for seed in range(100, 108)]
    assert offsets(network, held_out).count(0) >= 7
    late = [Spoken(clip.frames_VHWC, np.roll(clip.waveform_S, 3 * 640)) for clip in held_out]
    assert offsets(network, late).count(-3) >= 6


def test_training_reaches_both_towers_and_the_temperature() -> None:
    from services.trainer.methods.sync_training import _Pairing  # noqa: PLC0415 - looked at from inside by this test alone

    torch.manual_seed(0)
    pairing = _Pairing(SyncStage(Optimisation(1, 8, 1e-3), SMALL))
    places = places_of(talking(1), SMALL, 8, torch.Generator().manual_seed(1))
    assert (places.pictures.shape, places.sounds.shape) == ((8, 3, 5, 64, 64), (8, 13, 20))
    pairing.loss([places, places_of(talking(2), SMALL, 5, torch.Generator().manual_seed(2))]).backward()
    reached = {name for name, p in pairing.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    # A bias before batch normalisation changes nothing, so rounding decides whether its gradient is exactly zero.
    before_norm = {f"network.{name}.bias" for name in _before_norms(pairing.network)}
    assert reached | before_norm == {name for name, _ in pairing.named_parameters()}


def _before_norms(network: SyncNet) -> list[str]:
    found = []
    for half in ("netcnnaud", "netcnnlip", "netfcaud", "netfclip"):
        layers = list(network.get_submodule(half).children())
        pairs = enumerate(pairwise(layers))
        found += [f"{half}.{i}" for i, (_, after) in pairs if isinstance(after, nn.modules.batchnorm._BatchNorm)]
    return found


def test_clips_compete_with_themselves_alone_though_they_are_seen_together() -> None:
    from services.trainer.methods.sync_training import _Pairing  # noqa: PLC0415 - looked at from inside by this test alone

    torch.manual_seed(0)
    pairing = _Pairing(SyncStage(Optimisation(1, 8, 1e-3), SMALL)).eval()
    with torch.no_grad():
        one, two = (
            places_of(talking(1), SMALL, 8, torch.Generator().manual_seed(1)),
            places_of(talking(2), SMALL, 5, torch.Generator().manual_seed(2)),
        )
        each = [float(pairing.loss([places])) for places in (one, two)]
        assert float(pairing.loss([one, two])) == pytest.approx(sum(each) / 2, rel=1e-5)


def test_a_clip_too_short_to_compare_is_refused() -> None:
    with pytest.raises(ValueError, match="no two places"):
        places_of(talking(1, frames=6), SMALL, 8, torch.Generator())
