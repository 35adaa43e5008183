"""Generated speakers as `Dataset`: rendered and encoded once on each machine, kept under the digest of what made them.

Legend: N takes, V video frames, A speech features, S samples of sound, L text tokens, E text width.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from lipforcing.contract import LATENTS_PER_BLOCK, frames_of
from services.trainer.common.site import Advance, in_silence
from services.trainer.common.timing import MARGIN
from services.trainer.data.encode_takes import both_ways
from services.trainer.data.takes import Takes, noise_takes, read_takes, render_takes
from services.trainer.footage.tensor_files import write_whole
from services.trainer.methods.encoders import Encoders
from services.trainer.methods.recipe import MethodRecipe
from services.trainer.methods.samples import Clips
from services.trainer.methods.sync_training import Spoken, SpokenClips
from services.trainer.models.latents import ClipLatents
from synthetic.splits import Split

if TYPE_CHECKING:
    from lipforcing.audio.tiny import TinySpeechEncoder
    from lipforcing.vae.tiny import TinyCodec


@dataclass(frozen=True, slots=True)
class SpeakerDataset:
    """`Dataset` of generated speakers: every take for both of its mouths, 2N clips.

    Each is heard in two ways: first as it sounds, then by the true shapes of its mouth. Sounds are int16, of the frames alone.
    """

    digest: str
    latents: ClipLatents
    sounds_NS: Tensor
    talk: SpokenClips

    @property
    def refused(self) -> dict[str, str]:
        """See `Dataset`: what is generated is never refused."""
        return {}

    def __len__(self) -> int:
        """See `Dataset`."""
        return len(self.latents)

    def clips(self, rows: Sequence[int], places: Sequence[int], text_LE: Tensor, *, sound: bool) -> Clips:
        """See `Dataset`."""
        at = torch.tensor(rows)
        # Rows 2N .. 4N - 1 are the same clips again, heard by their true shapes.
        shown = at % len(self.sounds_NS)
        return Clips(
            tuple(f"clip {row}" for row in rows),
            tuple(places),
            self.latents.target_NZThw[shown].float(),
            self.latents.conditions(at, torch.float32),
            text_LE.float().expand(len(rows), -1, -1),
            self.sounds_NS[shown].float() / 32_768.0 if sound else None,
        )

    def spoken(self) -> SpokenClips:
        """See `Dataset`."""
        return self.talk


def speakers(
    recipe: MethodRecipe, cache: Path, encoders: Encoders, advance: Advance = in_silence, device: torch.device | None = None
) -> SpeakerDataset:
    """The recipe's takes of the training split, for preset ``tiny``; latents and features on ``device``."""
    frames = frames_of(recipe.latents // LATENTS_PER_BLOCK)
    takes = _takes(recipe, cache / "takes", frames, partial(advance, "rendering speakers"))
    # Of what is learned and of what encoded it: other weights make other latents.
    digest = hashlib.sha256("/".join([takes.digest(), *encoders.digests.values()]).encode()).hexdigest()
    path = cache / f"speakers-{digest[:16]}.safetensors"
    if not path.exists():
        _encode(takes, encoders, path, partial(advance, "encoding clips"))
    # On the run's device from the start: the small model's clips fit, and a step then copies nothing.
    latents = ClipLatents(**load_file(path, device=str(device or "cpu")))
    # [N, 2, S] -> [2N, S], mouths exchanged: the clip of mouth A is to say what B says.
    sounds_NS = torch.from_numpy(_clip_sounds(takes)[:, ::-1].reshape(2 * len(takes), -1).copy())
    return SpeakerDataset(digest, latents, sounds_NS, _Talk(takes))


def _takes(recipe: MethodRecipe, folder: Path, frames: int, advance: Callable[[int, int], None]) -> Takes:
    if recipe.noise:
        return noise_takes(recipe.takes, frames=frames, seed=recipe.seed)
    render_takes(folder, Split.TRAIN, recipe.takes, frames=frames, seed=recipe.seed, advance=advance)
    return read_takes(folder, Split.TRAIN, recipe.takes, frames=frames, seed=recipe.seed)


def _encode(takes: Takes, encoders: Encoders, path: Path, advance: Callable[[int, int], None]) -> None:
    clips = both_ways(takes, cast("TinyCodec", encoders.codec), cast("TinySpeechEncoder", encoders.speech), advance)
    write_whole(path, {field.name: getattr(clips, field.name) for field in fields(clips)})


def _clip_sounds(takes: Takes) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    """The sound of the frames alone, [N, 2, S]."""
    return takes.sound[..., MARGIN:-MARGIN]  # [N, 2, S]


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
