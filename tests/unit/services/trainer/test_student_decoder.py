"""The decoder that gets to know its student: what it is shown, and what it may not change."""

from dataclasses import replace

import numpy as np
import torch

from lipforcing.contract import STUDENTS
from lipforcing.network import LipNetwork, initialise
from lipforcing.presets import PRESETS
from lipforcing.vae.tiny import TinyCodec
from services.trainer.codec import CodecStage
from services.trainer.decoder import DecoderStage, train_decoder
from services.trainer.diffusion_forcing import Forcing, ForcingStage, loss_weight
from services.trainer.latents import ClipLatents, channel_energy
from services.trainer.mouth_pictures import MouthPictures
from services.trainer.optimise import Optimisation

CROPS = np.random.default_rng(0).integers(0, 256, (1, 2, 21, 128, 128, 3), dtype=np.uint8)
CONFIG = replace(PRESETS["tiny"], dim=144, ffn=64, heads=3, layers=4)
PLAN = Optimisation(3, 2, 1e-3, warm_up=1)


def taught(codec: TinyCodec) -> tuple[LipNetwork, Forcing]:
    """A student of two clips of noise."""
    draw = torch.Generator().manual_seed(4)
    latents = [torch.randn(2, 16, 6, 16, 16, generator=draw).half() for _ in range(3)]
    clips = ClipLatents(*latents, torch.randn(2, 21, STUDENTS["tiny"].speech_features, generator=draw).half())
    network = LipNetwork(CONFIG)
    initialise(network, 1)
    stage = ForcingStage(PLAN, half=False)
    return network, Forcing.of(network, clips, loss_weight(clips, channel_energy(codec), stage), stage)


def test_answers_are_the_students_where_it_was_asked_again_and_true_where_it_never_was() -> None:
    torch.manual_seed(0)
    network, objective = taught(TinyCodec())
    seen = set()
    for _ in range(12):
        made, noisy = objective.answers(network, torch.tensor([0, 1]))
        assert not made.requires_grad
        same = (made == objective.clips.target_NZThw.float()).all(dim=4).all(dim=3).all(dim=1)
        assert not (same & noisy).any()
        seen |= {(bool(a), bool(b)) for a, b in zip(same.flatten(), noisy.flatten(), strict=True)}
    assert seen == {(False, True), (False, False), (True, False)}


def test_the_decoder_alone_is_changed() -> None:
    torch.manual_seed(1)
    codec = TinyCodec().eval()
    before = {name: tensor.clone() for name, tensor in codec.state_dict().items()}
    network, objective = taught(codec)
    weights = [parameter.detach().clone() for parameter in network.parameters()]
    footage = CodecStage(PLAN, PLAN, PLAN)
    made, curve = train_decoder(MouthPictures(codec, CROPS), network, objective, DecoderStage(PLAN), footage, seed=1)
    changed = {name.split(".")[0] for name, tensor in made.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"decoder"}
    assert all(torch.equal(*pair) for pair in zip(weights, network.parameters(), strict=True))
    assert {"own", "true"} <= curve.losses[-1].keys()
