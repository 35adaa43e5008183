"""Held-out clips of the study: people, voices and languages that no stage has seen, speaking throughout.

Legend: B clips, V video frames, H/W crop side, A speech features.
"""

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
from torch import Tensor

from lipforcing.audio.pack import group_frames
from lipforcing.audio.tiny import TinySpeechEncoder
from lipforcing.vae.base import Codec, from_uint8
from services.trainer.common.timing import MARGIN
from services.trainer.data.takes import crop_pair, footage
from services.trainer.methods.encoders import Encoders
from services.trainer.methods.samples import Clips
from services.trainer.models.latents import conditions_of, encode_pair
from studies.ablation.result_cache import ResultCache
from studies.ablation.sizes import StudySizes
from synthetic.splits import Split

DELAY = 3  # frames, of the control with delayed sound
_FPS = 25.0
_SEEDS = {Split.DEV: 70_000, Split.TEST: 90_000}  # far from those of other evaluations


@dataclass(frozen=True, slots=True)
class StudyClips:
    """The clips of one split.

    Attributes:
        clips: as a method sees them, with their sound.
        crops_BVHWC: the middle of true crops with the mouths to be made, uint8.
        around_BVHWC: whole crops of the footage, with the mouths that it was filmed with, uint8.
        truth_BV2: drawn opening and width over the distance of the eyes.
        delayed_BVA: speech features when the sound comes ``DELAY`` frames later.
        silent_BVA: speech features of digital silence.
        key: stands for the split, its clips and encoders.
    """

    clips: Clips
    crops_BVHWC: Tensor
    around_BVHWC: Tensor
    truth_BV2: Tensor
    delayed_BVA: Tensor
    silent_BVA: Tensor
    key: str

    def with_speech(self, speech_BVA: Tensor) -> Clips:
        """The clips with other speech."""
        conditions = replace(self.clips.conditions, speech_BTGA=group_frames(speech_BVA))
        return replace(self.clips, conditions=conditions)

    def of_others(self) -> Clips:
        """Every clip with the next one's sound."""
        conditions = replace(self.clips.conditions, speech_BTGA=self.clips.conditions.speech_BTGA.roll(-1, 0))
        return replace(self.clips, conditions=conditions)


def held_out(split: Split, sizes: StudySizes, encoders: Encoders, cache: ResultCache) -> StudyClips:
    """The first clips of a split, rendered and encoded once."""
    key = [split.value, sizes.clips, sizes.frames, sizes.network.latent, encoders.digests]
    held = cache.tensors(f"clips-{split.value}", key, lambda: _rendered(split, sizes, encoders))
    config = sizes.network
    clips = Clips(
        tuple(f"{split.value} {number}" for number in range(sizes.clips)), tuple(range(sizes.clips)), held["target"],
        conditions_of(held["reference"], held["masked"], held["speech"], torch.float32),
        torch.zeros(sizes.clips, config.text_len, config.text_dim), held["waveform"],
    )  # fmt: skip
    name = cache.path(f"clips-{split.value}", key).name
    return StudyClips(clips, held["crops"], held["around"], held["truth"], held["delayed"], held["silent"], name)


def _rendered(split: Split, sizes: StudySizes, encoders: Encoders) -> dict[str, Tensor]:
    speech = cast("TinySpeechEncoder", encoders.speech)
    rows = [_clip(split, _SEEDS[split] + number, sizes, encoders.codec, speech) for number in range(sizes.clips)]
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


@torch.no_grad()
def _clip(split: Split, seed: int, sizes: StudySizes, codec: Codec, speech: TinySpeechEncoder) -> dict[str, Tensor]:
    shot = footage(split, seed, sizes.frames, plain=True)
    pair = crop_pair(shot.scene)
    source, target = (np.ascontiguousarray(sizes.middle(crops)) for crops in pair)
    reference, masked = encode_pair(codec, source)
    whole = torch.from_numpy(shot.sound[1].astype(np.float32) / 32_768.0)
    times = torch.from_numpy(shot.times)
    return {
        "reference": reference, "masked": masked,
        "target": codec.encode(from_uint8(torch.from_numpy(target))[None])[0].float(),
        "speech": speech(whole, times), "delayed": speech(whole, times - DELAY / _FPS),
        "silent": speech(torch.zeros_like(whole), times),
        "waveform": whole[MARGIN:-MARGIN].clone(), "crops": torch.from_numpy(target), "around": torch.from_numpy(pair[0]),
        "truth": torch.from_numpy(shot.truth[1]).float(),
    }  # fmt: skip
