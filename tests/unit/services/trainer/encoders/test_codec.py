"""Training the tiny codec: what moves counts, and a settled latent keeps its meaning."""

import numpy as np
import pytest
import torch

from lipforcing.vae.tiny import TinyCodec, pack_frames
from services.trainer.common.optimise import Optimisation
from services.trainer.encoders.codec import CodecStage, codec_loss, motion, train_codec

_PLAN = Optimisation(3, 2, 1e-3, warm_up=1)


def _clips() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, 33, 128, 128, 3), np.uint8)


def test_a_mouth_that_opens_in_one_frame_is_where_the_motion_is() -> None:
    clip = torch.zeros(1, 3, 4, 16, 16)
    clip[:, :, 2, 8, 8] = 1.0
    found = motion(pack_frames(clip)).unflatten(1, (4, 3))
    assert found.shape == (1, 4, 3, 16, 16)
    assert torch.all(found[0, :, :, 7:10, 7:10] == 1.5)
    assert float(found.sum()) == pytest.approx(4 * 3 * 9 * 1.5)
    assert float(motion(pack_frames(torch.ones(1, 3, 4, 16, 16))).max()) == 0.0


def test_what_moves_costs_more_once_settled() -> None:
    torch.manual_seed(0)
    codec, mouth = TinyCodec().eval(), torch.zeros(1, 64, 64)
    moving = torch.zeros(1, 3, 12, 64, 64)
    moving[:, :, 9, 20:30, 20:30] = 1.0
    plain, heavy = (CodecStage(_PLAN, _PLAN, _PLAN, noise=0.0, moving=weight) for weight in (0.0, 6.0))
    with torch.no_grad():
        light, weighted = (float(codec_loss(codec, moving, mouth, stage, settled=True)["picture"]) for stage in (plain, heavy))
        still = [float(codec_loss(codec, moving * 0 + 0.5, mouth, s, settled=True)["picture"]) for s in (plain, heavy)]
    assert weighted > 1.05 * light
    assert still[0] == pytest.approx(still[1])


def test_statistics_are_stored_before_both_halves_go_on_and_the_encoder_rests_at_the_end() -> None:
    stages = {
        "settled": CodecStage(_PLAN, _PLAN, Optimisation(0, 2, 1e-3)),
        "all": CodecStage(_PLAN, _PLAN, _PLAN),
    }
    made = {name: train_codec(_clips(), stage, 1) for name, stage in stages.items()}
    settled, last = made["settled"][0], made["all"][0]
    assert list(made["all"][1]) == ["both", "settled", "decoder"]
    assert torch.equal(settled.mean, last.mean)
    assert torch.equal(settled.std, last.std)
    for name, value in settled.encoder.state_dict().items():
        assert torch.equal(value, last.encoder.state_dict()[name]), name
    assert any(not torch.equal(a, b) for a, b in zip(settled.decoder.parameters(), last.decoder.parameters(), strict=True))
