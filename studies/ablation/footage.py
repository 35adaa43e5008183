"""What the study learns from: takes encoded shard by shard, so that crops are never all in memory.

Legend: N takes, V video frames, H/W crop side, C colours, S samples of sound.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from services.trainer.common.timing import MARGIN
from services.trainer.data.encode_takes import both_ways
from services.trainer.data.takes import SHARD, Takes, render_takes
from services.trainer.methods.encoders import Encoders
from services.trainer.methods.speaker_dataset import SpeakerDataset
from services.trainer.methods.sync_training import Spoken
from services.trainer.models.latents import ClipLatents
from studies.ablation.result_cache import ResultCache
from studies.ablation.sizes import StudySizes
from synthetic.splits import Split

if TYPE_CHECKING:
    from lipforcing.audio.tiny import TinySpeechEncoder
    from lipforcing.vae.tiny import TinyCodec

_SEED = 1  # of the takes: the same for all seeds of the study, which differ in what is drawn while training


class StudyFootage(NamedTuple):
    """Encoded takes, and where the crops and sounds are that a SyncNet learns from."""

    dataset: SpeakerDataset
    folder: Path
    sizes: StudySizes

    def talk(self, takes: int) -> "Talk":
        """The mouths of the first takes."""
        return Talk(self.folder, self.sizes, takes)

    def filmed(self, takes: int) -> tuple[NDArray[np.uint8], Tensor]:
        """Crops [N, 2, V, H, W, C] of the first takes, and shapes [2N, V, P] of the target mouths of their clips."""
        shards = list(_shards(self.folder, self.sizes, takes))
        # A clip of mouth A is to become mouth B, and the reverse.
        shapes = np.concatenate([np.concatenate([shard.visemes, shard.truth], axis=-1)[:, ::-1] for shard in shards])
        return np.concatenate([shard.crops for shard in shards]), torch.from_numpy(shapes).flatten(0, 1)


def prepare(folder: Path, sizes: StudySizes, encoders: Encoders, cache: ResultCache) -> StudyFootage:
    """The study's takes, for both of their mouths, as heard and with the true mouth shapes.

    Args:
        folder: of rendered takes; those that are missing are rendered there.
        sizes: number and length of takes.
        encoders: of crops and sound.
        cache: keeps the latents.
    """
    render_takes(folder, Split.TRAIN, sizes.takes, frames=sizes.frames, seed=_SEED)
    found = hashlib.sha256()
    for takes in _shards(folder, sizes, sizes.takes):
        found.update(takes.digest().encode())
    key = [found.hexdigest(), encoders.digests]
    held = cache.tensors("latents", key, lambda: _encoded(folder, sizes, encoders))
    sounds_NS, digest = held.pop("sounds_NS"), hashlib.sha256(json.dumps(key).encode()).hexdigest()
    talk = Talk(folder, sizes, sizes.takes)
    return StudyFootage(SpeakerDataset(digest, ClipLatents(**held), sounds_NS, talk), folder, sizes)


def _encoded(folder: Path, sizes: StudySizes, encoders: Encoders) -> dict[str, Tensor]:
    codec, speech = cast("TinyCodec", encoders.codec), cast("TinySpeechEncoder", encoders.speech)
    names = ("reference_NZThw", "masked_NZThw", "target_NZThw")
    parts: dict[str, list[Tensor]] = {name: [] for name in (*names, "heard", "true", "sounds_NS")}
    for takes in _shards(folder, sizes, sizes.takes):
        clips = both_ways(takes, codec, speech)
        features, true = clips.speech_NVA.chunk(2)
        sounds = torch.from_numpy(_sounds(takes)[:, ::-1].reshape(2 * len(takes), -1).copy())
        encoded = {"heard": features, "true": true, "sounds_NS": sounds, **{name: getattr(clips, name) for name in names}}
        for name, some in parts.items():
            some.append(encoded[name])
    speech_NVA = torch.cat([*parts.pop("heard"), *parts.pop("true")])
    return {"speech_NVA": speech_NVA, **{name: torch.cat(some) for name, some in parts.items()}}


def _shards(folder: Path, sizes: StudySizes, count: int) -> Iterator[Takes]:
    """The first ``count`` takes with the middle of their crops, one file of them at a time."""
    files = sorted(folder.glob(f"{Split.TRAIN.value}-{sizes.frames}-{_SEED}-*.npz"))
    for first, file in zip(range(0, count, SHARD), files, strict=False):
        shard, some = np.load(file), min(SHARD, count - first)
        arrays = {name: shard[name][:some] for name in ("crops", "sound", "visemes", "truth")}
        arrays["crops"] = np.ascontiguousarray(sizes.middle(arrays["crops"]))
        yield Takes(**arrays, meta=tuple(json.loads(str(shard["meta"]))[:some]))


def _sounds(takes: Takes) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    return takes.sound[..., MARGIN:-MARGIN]


class Talk:
    """Mouths of the first takes with their own sounds, read when the first is asked for."""

    def __init__(self, folder: Path, sizes: StudySizes, takes: int) -> None:
        self._folder, self._sizes, self._takes = folder, sizes, takes
        self._held: list[Spoken] = []

    def __len__(self) -> int:
        """Number of mouths."""
        return 2 * self._takes

    def __getitem__(self, index: int) -> Spoken:
        """One of them."""
        if not self._held:
            for takes in _shards(self._folder, self._sizes, self._takes):
                pairs = zip(takes.crops, _sounds(takes).astype(np.float32) / 32_768.0, strict=True)
                self._held += [Spoken(crops[i], sounds[i]) for crops, sounds in pairs for i in (0, 1)]
        return self._held[index]
