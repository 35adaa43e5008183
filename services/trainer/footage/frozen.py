"""Held-out clips of prepared footage that are measured on: for one data set and seed the same ones each time."""

from collections.abc import Iterator

import numpy as np

from dubbing.errors import BadDataset, BadInput
from lipforcing.contract import BLOCK_FRAMES, FIRST_BLOCK_FRAMES, frames_of
from synthetic.splits import Split

from .dataset import ShardSource
from .place import Place
from .plan import CLIP_FRAMES
from .sample import Sample

LEAST_CLIPS = 2  # each is another's control
_LEAST_FRAMES = frames_of(2)  # a lag of five frames is looked for on either side


class FrozenClips:
    """Clips of a split whose people, voices or languages are held out; iterating reads them again.

    At most ``clips``, drawn by ``seed`` from all that are there, and of each the first ``frames`` (9 + 12k).

    Raises:
        BadDataset: nothing that can be read, crops of another size, or fewer than two clips in the split.
        BadInput: fewer than two clips, or frames that prepared clips do not have.
    """

    def __init__(self, place: Place, preset: str, *, split: Split, clips: int, frames: int, seed: int) -> None:
        if clips < LEAST_CLIPS:
            raise BadInput(f"{clips} clips are too few: each is another's control.", where={"option": "clips"})
        if not _LEAST_FRAMES <= frames <= CLIP_FRAMES or (frames - FIRST_BLOCK_FRAMES) % BLOCK_FRAMES:
            raise BadInput(
                f"Prepared clips have {CLIP_FRAMES} frames in whole blocks, of which {frames} cannot be taken.",
                where={"option": "frames"}, suggestions=(f"{FIRST_BLOCK_FRAMES} + {BLOCK_FRAMES}k from {_LEAST_FRAMES} on",),
            )  # fmt: skip
        self._source = ShardSource(place)
        self._source.demand_crop(preset, {})
        self._entries = [entry for entry, of in self._source.entries() if of is split]
        self.split, self.frames = split, frames
        held = sum(entry.samples for entry in self._entries)
        if held < LEAST_CLIPS:
            raise BadDataset(
                f"The data set has {held} clips in the split {split}; {LEAST_CLIPS} are needed.", where={"split": split.value},
                suggestions=("prepare footage of more people: who is held out is drawn by the hash of a name",),
            )  # fmt: skip
        self._picks = frozenset(np.random.default_rng(seed).permutation(held)[:clips].tolist())

    @property
    def digest(self) -> str:
        """SHA-256 of the data set's manifest, which names all of it by digests."""
        return self._source.digest

    def __len__(self) -> int:
        """Number of clips."""
        return len(self._picks)

    def __iter__(self) -> Iterator[Sample]:
        """The clips in the data set's order; raises as `read_shard`."""
        first = 0
        for entry in self._entries:
            wanted = self._picks & set(range(first, first + entry.samples))
            if wanted:
                samples = enumerate(self._source.read(entry), first)
                yield from (sample.part(0, self.frames) for number, sample in samples if number in wanted)
            first += entry.samples
