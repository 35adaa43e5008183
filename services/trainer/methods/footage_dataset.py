"""Prepared footage as `Dataset`: cut to the recipe's length, encoded once on each machine, read clip by clip.

A clip is one window of a prepared sample, with the sample's own reference. What a damaged shard or a reference that shows its
target does is `read_shard`'s law: the run ends and names it. A clip whose latents are no numbers is left out and counted.

Legend: V video frames, Z latent channels, T latent frames, h/w latent side, S samples of sound, L text tokens, E text width.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import structlog
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from dubbing.errors import BadDataset, InvalidSetting
from lipforcing.contract import LATENTS_PER_BLOCK, frames_of
from lipforcing.vae.base import Codec, to_uint8
from services.trainer.common.site import Advance, Site
from services.trainer.footage.cache import LatentCache
from services.trainer.footage.dataset import ShardSource
from services.trainer.footage.plan import CLIP_FRAMES
from services.trainer.footage.sample import Sample as Prepared
from services.trainer.methods.encoders import Encoders
from services.trainer.methods.places import place_of
from services.trainer.methods.recipe import MethodRecipe
from services.trainer.methods.samples import BadSampleError, Clips, EncodedSample, Span, collate
from services.trainer.methods.sync_training import Spoken, SpokenClips
from synthetic.splits import Split

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One clip: its name, the file of its tensors, and where target and reference are from (source, first, last + 1)."""

    name: str
    file: str
    source: str
    shown: tuple[int, int]
    reference: tuple[int, int]


@dataclass(frozen=True, slots=True)
class FootageDataset:
    """`Dataset` of prepared footage: clips whose tensors lie in ``folder``, and those that are refused, with the reason.

    The digest is of data set, encoders and clip length; the codec makes pictures of latents again.
    """

    digest: str
    folder: Path
    entries: tuple[Entry, ...]
    refused: dict[str, str]
    codec: Codec

    def __len__(self) -> int:
        """See `Dataset`."""
        return len(self.entries)

    def clips(self, rows: Sequence[int], places: Sequence[int], text_LE: Tensor, *, sound: bool) -> Clips:
        """See `Dataset`."""
        return collate([_sample(self.folder, self.entries[row], text_LE) for row in rows], places, sound=sound)

    def spoken(self) -> SpokenClips:
        """See `Dataset`: as the reward will see them, decoded."""
        return _Decoded(self)


@dataclass(frozen=True, slots=True)
class _Decoded:
    footage: FootageDataset

    def __len__(self) -> int:
        return len(self.footage)

    @torch.no_grad()
    def __getitem__(self, index: int) -> Spoken:
        held = _tensors(self.footage.folder, self.footage.entries[index])
        # [1, Z, T, h, w] -> [V, H, W, C], in the decoder's precision.
        latents = held["target"][None].to(next(self.footage.codec.parameters()))
        frames = to_uint8(self.footage.codec.decode(latents)[0].float()).cpu().numpy()
        return Spoken(frames, held["heard"].numpy().astype(np.float32) / 32_768.0)


def footage(recipe: MethodRecipe, site: Site, encoders: Encoders) -> FootageDataset:
    """The training split of the data set that a recipe names.

    Raises:
        BadDataset: no data set, of another crop size, without a clip that can be trained on, or with held-out clips of
            footage that is trained on.
        CorruptShard: a shard is damaged; names it and its first damaged sample.
        LeakedReference: a reference shows its target.
        InvalidSetting: the place cannot be reached from here, or clips shall be longer than prepared ones.
        PlaceNotAllowed: it is a folder that is not opened to runs.
    """
    frames = frames_of(recipe.latents // LATENTS_PER_BLOCK)
    if frames > CLIP_FRAMES:
        raise InvalidSetting(f"Prepared clips have {CLIP_FRAMES} frames, not {frames}.", where={"pointer": "/settings/latents"})
    source = ShardSource(place_of(site, "data", recipe.data))
    source.demand_crop(recipe.preset, {"pointer": "/settings/data"})
    source.check_apart()
    digest = hashlib.sha256("/".join([source.digest, *encoders.digests.values(), str(frames)]).encode()).hexdigest()
    folder, index = site.cache / "footage", site.cache / f"footage-{digest[:16]}.json"
    known = _read(index, folder)
    if known is None:
        known = _encode(source, LatentCache(folder, encoders.codec, encoders.speech), frames, site.advance)
        # Written last and whole: an index that is there means that every clip is encoded.
        partial = index.with_suffix(".partial")
        partial.write_text(json.dumps(known))
        partial.replace(index)
    entries = tuple(Entry(n, f, s, (a, b), (c, d)) for n, f, s, (a, b), (c, d) in known["clips"])
    if not entries:
        held = sum(entry.samples for entry, split in source.entries() if split is not Split.TRAIN)
        raise BadDataset(
            f"{recipe.data} has no clip to train on: {held} samples are held out, {len(known['refused'])} are refused.",
            where={"pointer": "/settings/data", "refused": known["refused"]},
            suggestions=("prepare more people, or see report.json for what was dropped",),
        )
    return FootageDataset(digest, folder, entries, known["refused"], encoders.codec)


def _encode(source: ShardSource, cache: LatentCache, frames: int, advance: Advance) -> dict[str, Any]:
    """What the index holds, after every shard of the training split has been read and checked."""
    clips: list[Any] = []
    refused: dict[str, str] = {}
    samples = sum(entry.samples for entry, split in source.entries() if split is Split.TRAIN)
    for done, whole in enumerate(source.samples(Split.TRAIN), 1):
        advance("encoding clips", done, samples)
        for clip in _windows(whole, frames):
            first, origin = int(clip.key.rpartition("+")[2]), str(whole.meta["source_sha256"])
            start = int(whole.meta["clip"][0]) + first  # frame of the source
            entry = Entry(clip.key, cache.encoded(clip).name, origin, (start, start + frames), tuple(whole.meta["reference"]))
            try:
                _sample(cache.folder, entry, torch.zeros(1, 1)).check(sound=True)
            except BadSampleError as error:
                refused[clip.key] = str(error)
                log.warning("clip_refused", clip=clip.key, reason=str(error))
            else:
                clips.append([entry.name, entry.file, entry.source, entry.shown, entry.reference])
    return {"clips": clips, "refused": refused}


def _windows(whole: Prepared, frames: int) -> Iterator[Prepared]:
    if whole.meta.get("held_out"):
        raise BadDataset(
            f"Sample {whole.key} lies among those for training and says that it is held out.",
            where={"sample": whole.key}, suggestions=("prepare the data set again",),
        )  # fmt: skip
    # One behind the other; what is left at the end fills no window.
    for first in range(0, len(whole.target_VnnC) - frames + 1, frames):
        yield whole.part(first, frames)


def _read(index: Path, folder: Path) -> dict[str, Any] | None:
    if not index.exists():
        return None
    known: dict[str, Any] = json.loads(index.read_text())
    return known if all((folder / clip[1]).exists() for clip in known["clips"]) else None


def _sample(folder: Path, entry: Entry, text_LE: Tensor) -> EncodedSample:
    held = _tensors(folder, entry)
    return EncodedSample(
        entry.name, held["target"], held["masked"], held["reference"], held["speech"].float(), text_LE,
        Span(entry.source, *entry.shown), Span(entry.source, *entry.reference), held["heard"].float() / 32_768.0,
    )  # fmt: skip


def _tensors(folder: Path, entry: Entry) -> dict[str, Tensor]:
    try:
        return load_file(folder / entry.file)
    except (OSError, SafetensorError) as error:
        raise BadDataset(
            f"The cached latents of {entry.name} cannot be read: {error}", where={"sample": entry.name},
            suggestions=(f"delete {folder / entry.file} and resume the run: it is made again from the data set",),
        ) from error  # fmt: skip
