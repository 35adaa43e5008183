"""The decoder that gets to know its student: what it is shown, and what it may not change."""

from dataclasses import replace

import numpy as np
import torch

from lipforcing.contract import STUDENTS
from lipforcing.presets import PRESETS
from lipforcing.vae.tiny import TinyCodec
from services.trainer.common.optimise import Optimisation
from services.trainer.encoders.codec import CodecStage
from services.trainer.encoders.decoder import DecoderStage, train_decoder
from services.trainer.methods.initialise import fresh_network
from services.trainer.models.latents import ClipLatents
from services.trainer.models.mouth_pictures import MouthPictures

CROPS = np.random.default_rng(0).integers(0, 256, (1, 2, 21, 128, 128, 3), dtype=np.uint8)
CONFIG = replace(PRESETS["tiny"], dim=144, ffn=64, heads=3, layers=4)
PLAN = Optimisation(3, 2, 1e-3, warm_up=1)


def test_the_decoder_alone_is_changed_by_what_the_student_makes() -> None:
    torch.manual_seed(1)
    codec, network, draw = TinyCodec().eval(), fresh_network(CONFIG, 1), torch.Generator().manual_seed(4)
    latents = [torch.randn(2, 16, 6, 16, 16, generator=draw).half() for _ in range(3)]
    clips = ClipLatents(*latents, torch.randn(2, 21, STUDENTS["tiny"].speech_features, generator=draw).half())
    before = {name: tensor.clone() for name, tensor in codec.state_dict().items()}
    weights = [parameter.detach().clone() for parameter in network.parameters()]
    footage = CodecStage(PLAN, PLAN, PLAN)
    made, curve = train_decoder(MouthPictures(codec, CROPS), network, clips, DecoderStage(PLAN), footage, seed=1)
    changed = {name.split(".")[0] for name, tensor in made.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"decoder"}
    assert all(torch.equal(*pair) for pair in zip(weights, network.parameters(), strict=True))
    assert {"own", "true"} <= curve.losses[-1].keys()
