"""Generated speakers as `Dataset`: rendered and encoded once on each machine, kept under the digest of what made them."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from safetensors.torch import load_file

from lipforcing.contract import LATENTS_PER_BLOCK, frames_of
from services.trainer.common.site import Advance, in_silence
from services.trainer.common.timing import MARGIN
from services.trainer.data.encode_takes import both_ways
from services.trainer.data.takes import Takes, noise_takes, read_takes, render_takes
from services.trainer.footage.whole import write_whole
from services.trainer.methods.dataset import SpeakerDataset
from services.trainer.methods.encoders import Encoders
from services.trainer.methods.recipe import MethodRecipe
from services.trainer.methods.sync_training import Spoken
from services.trainer.models.latents import ClipLatents
from synthetic.splits import Split

if TYPE_CHECKING:
    from lipforcing.audio.tiny import TinySpeechEncoder
    from lipforcing.vae.tiny import TinyCodec


def speakers(
    recipe: MethodRecipe, cache: Path, encoders: Encoders, advance: Advance = in_silence, device: torch.device | None = None
) -> SpeakerDataset:
    """The recipe's takes of the training split, for preset ``tiny``.

    Args:
        recipe: what to render.
        cache: where it is kept.
        encoders: of crops and sound.
        advance: as in `Site`.
        device: of latents and features.
    """
    frames = frames_of(recipe.latents // LATENTS_PER_BLOCK)
    takes = _takes(recipe, cache / "takes", frames, partial(advance, "rendering speakers"))
    digest = hashlib.sha256("/".join([takes.digest(), *encoders.digests.values()]).encode()).hexdigest()
    path = cache / f"speakers-{digest[:16]}.safetensors"
    if not path.exists():
        _encode(takes, encoders, path, partial(advance, "encoding clips"))
    held = load_file(path, device=str(device or "cpu"))
    speech_NVA = held.pop("speech_NVA")
    latents = ClipLatents(**held, speech_NVA=speech_NVA[: len(speech_NVA) // 2])
    sounds_NS = torch.from_numpy(_clip_sounds(takes)[:, ::-1].reshape(len(latents), -1).copy())
    return SpeakerDataset(digest, latents, speech_NVA, sounds_NS, _Talk(takes))


def _takes(recipe: MethodRecipe, folder: Path, frames: int, advance: Callable[[int, int], None]) -> Takes:
    if recipe.noise:
        return noise_takes(recipe.takes, frames=frames, seed=recipe.seed)
    render_takes(folder, Split.TRAIN, recipe.takes, frames=frames, seed=recipe.seed, advance=advance)
    return read_takes(folder, Split.TRAIN, recipe.takes, frames=frames, seed=recipe.seed)


def _encode(takes: Takes, encoders: Encoders, path: Path, advance: Callable[[int, int], None]) -> None:
    clips = both_ways(takes, cast("TinyCodec", encoders.codec), cast("TinySpeechEncoder", encoders.speech), advance)
    once = len(clips) // 2  # the second half has the same latents and the true shapes
    latents = {name: getattr(clips, name)[:once] for name in ("reference_NZThw", "masked_NZThw", "target_NZThw")}
    write_whole(path, {**latents, "speech_NVA": clips.speech_NVA})


def _clip_sounds(takes: Takes) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    """The sound of the frames alone, [N, 2, S]."""
    return takes.sound[..., MARGIN:-MARGIN]


class _Talk:
    """Every mouth of the takes with its own sound; floats are made only for the clip that is looked at."""

    def __init__(self, takes: Takes) -> None:
        self._crops = takes.crops.reshape(-1, *takes.crops.shape[2:])
        self._sound = _clip_sounds(takes).reshape(len(self._crops), -1)

    def __len__(self) -> int:
        """Number of mouths."""
        return len(self._crops)

    def __getitem__(self, index: int) -> Spoken:
        """One of them."""
        return Spoken(self._crops[index], self._sound[index].astype(np.float32) / 32_768.0)
