"""A drawn speaker as a sample of the methods: footage with mouth A that shall say what mouth B says."""

import numpy as np
import torch

from lipforcing.audio.tiny import TinySpeechEncoder
from lipforcing.presets import PRESETS
from lipforcing.syncnet import SAMPLES_PER_FRAME
from lipforcing.vae.base import Codec, from_uint8
from services.trainer.common.timing import MARGIN
from services.trainer.data.takes import crop_pair, footage
from services.trainer.methods.samples import EncodedSample, Span
from services.trainer.models.latents import encode_pair
from synthetic.splits import Split


@torch.no_grad()
def sample(split: Split, seed: int, frames: int, codec: Codec, encoder: TinySpeechEncoder) -> EncodedSample:
    """One clip that speaks throughout; the same arguments give the same sample.

    Args:
        split: whose people, voices and languages.
        seed: of the take.
        frames: V, 9 + 12k.
        codec: of the latents.
        encoder: of the sound.
    """
    shot = footage(split, seed, frames, plain=True)
    (source, filmed), name = crop_pair(shot.scene), f"{split.value} {seed}"
    reference, masked = encode_pair(codec, source)
    target = codec.encode(from_uint8(torch.from_numpy(filmed))[None])[0]
    whole = torch.from_numpy(shot.sound[1].astype(np.float32) / 32_768.0)
    of_frames = whole[MARGIN : MARGIN + frames * SAMPLES_PER_FRAME]
    config = PRESETS["tiny"]
    return EncodedSample(
        name, target, masked, reference, encoder(whole, torch.from_numpy(shot.times)),
        torch.zeros(config.text_len, config.text_dim),
        Span(f"{name} B", 0, frames), Span(f"{name} A", 0, frames), of_frames,
    )  # fmt: skip
