"""Prepared footage as samples: every shard is checked before anything of it is used."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dubbing.errors import BadDataset, ObjectMissing
from lipforcing.contract import STUDENTS
from synthetic.splits import Split

from .place import Place
from .sample import Sample
from .shards import ShardEntry, read_shard

FORMAT = 1
MANIFEST = "dataset.json"


class ShardSource:
    """Samples of what ``dubline data prepare`` wrote.

    Raises:
        BadDataset: there is no manifest that can be read, or one of another format.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        try:
            text = place.get_bytes(MANIFEST)
            self.manifest: dict[str, Any] = json.loads(text)
        except ObjectMissing as error:
            raise BadDataset(
                "There is no data set here.", where=error.where, suggestions=("make one with: dubline data prepare",)
            ) from error
        except OSError as error:
            raise BadDataset(f"The data set cannot be read: {error}") from error
        except ValueError as error:
            raise BadDataset(f"{MANIFEST} is no JSON: {error}", where={"object": MANIFEST}) from error
        if self.manifest.get("format") != FORMAT:
            raise BadDataset(
                f"The data set has format {self.manifest.get('format')!r}; this version reads {FORMAT}.",
                where={"object": MANIFEST},
                suggestions=("prepare it again",),
            )
        self.digest = hashlib.sha256(text).hexdigest()

    def demand_crop(self, preset: str, where: dict[str, Any]) -> None:
        """Raise `BadDataset` unless the crops have the side that a preset's models see; ``where`` says who named the set."""
        crop, found = STUDENTS[preset].crop, self.manifest.get("crop")
        if found != crop:
            raise BadDataset(
                f"The data set has crops of {found} pixels; {preset} needs {crop}.",
                where=where, suggestions=(f"prepare it with --crop {crop}",),
            )  # fmt: skip

    def check_apart(self) -> None:
        """Raise `BadDataset` where held-out clips are cut from footage that is trained on."""
        learned = {shard["source_sha256"] for shard in self.manifest["shards"] if Split(shard["split"]) is Split.TRAIN}
        for shard in self.manifest["shards"]:
            if Split(shard["split"]) is not Split.TRAIN and shard["source_sha256"] in learned:
                raise BadDataset(
                    f"{shard['name']} is held out, but its footage is trained on.",
                    where={"object": MANIFEST, "shard": shard["name"]}, suggestions=("prepare the data set again",),
                )  # fmt: skip

    def entries(self) -> list[tuple[ShardEntry, Split]]:
        """The shards and their splits, in the manifest's order."""
        return [
            (ShardEntry(**{name: shard[name] for name in ShardEntry._fields}), Split(shard["split"]))
            for shard in self.manifest["shards"]
        ]

    def samples(self, split: Split) -> Iterator[Sample]:
        """The samples of a split, shard by shard; raises as `read_shard`."""
        for entry, of in self.entries():
            if of is split:
                yield from self.read(entry)

    def read(self, entry: ShardEntry) -> Iterator[Sample]:
        """The samples of one shard."""
        with TemporaryDirectory(prefix="dubline-shard-") as folder:
            path = Path(folder) / "shard.tar"
            self._place.get_file(entry.name, path)
            yield from read_shard(path, entry)
