"""Shards: WebDataset's layout (a tar whose members share a key before the first dot), checked by SHA-256 on reading.

A sample has four members: ``KEY.target.mkv`` and ``KEY.reference.mkv`` (aligned crops, FFV1, no loss), ``KEY.wav`` (16 kHz
mono with a second of sound on either side) and ``KEY.json`` (facts, and the digests of the other three). A shard holds one
source only, so that footage whose consent is withdrawn is removed by deleting its shards. The same samples give the same bytes.
"""

import hashlib
import io
import json
import tarfile
import wave
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.findings import FrameRange
from dubbing.errors import CorruptShard, LeakedReference, TruncatedMedia
from dubbing.media.crops import unpack_crops
from lipforcing.weights.digests import sha256_of
from synthetic.utterance import SAMPLE_RATE

from .plan import gap_between
from .sample import Sample

MEDIA = ("target.mkv", "reference.mkv", "wav")


class Staged(NamedTuple):
    """A sample on its way into a shard: encoded crops, sound, and facts."""

    key: str
    media: Mapping[str, bytes]
    facts: Mapping[str, Any]


class ShardEntry(NamedTuple):
    """What the manifest says of a shard."""

    name: str
    sha256: str
    size: int
    samples: int


def stage(key: str, media: Mapping[str, bytes], facts: Mapping[str, Any]) -> Staged:
    """Put a sample's parts (by the names of ``MEDIA``) together, with their digests among the facts."""
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in media.items()}
    return Staged(key, media, {**facts, "key": key, "sha256": digests})


def write_shard(path: Path, samples: Iterable[Staged]) -> tuple[str, int, int]:
    """Write a shard; gives its SHA-256, its size and the number of its samples."""
    count = 0
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for sample in samples:
            facts = json.dumps(sample.facts, sort_keys=True).encode()
            for name, data in (*sample.media.items(), ("json", facts)):
                member = tarfile.TarInfo(f"{sample.key}.{name}")  # no owner, no time: the same bytes each time
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
            count += 1
    return sha256_of(path), path.stat().st_size, count


def read_shard(path: Path, entry: ShardEntry) -> Iterator[Sample]:
    """The samples of a local copy of a shard.

    Raises:
        CorruptShard: the bytes are not those of the manifest; names the shard and the first damaged sample.
        LeakedReference: a sample's reference overlaps its clip.
    """
    found = sha256_of(path)
    if found != entry.sha256:
        raise _corrupt(entry, found, _first_damaged(path))
    for members in _groups(path):
        yield _sample(members, entry)


def _groups(path: Path) -> Iterator[dict[str, bytes]]:
    """The members of each sample by the part of their name after the key."""
    members: dict[str, bytes] = {}
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            content = tar.extractfile(member)
            members[member.name.split(".", 1)[1]] = content.read() if content is not None else b""
            if "json" in members:
                yield members
                members = {}


def _sample(members: Mapping[str, bytes], entry: ShardEntry) -> Sample:
    facts = json.loads(members["json"])
    clip, reference = (FrameRange(start=facts[name][0], end=facts[name][1]) for name in ("clip", "reference"))
    if gap_between(clip, reference) < 0:
        raise LeakedReference(
            f"Sample {facts['key']} of shard {entry.name} has its reference in frames {facts['reference']}, inside its clip.",
            where={"shard": entry.name, "sample": facts["key"]},
            suggestions=("prepare this source again",),
        )
    try:
        target, shown = unpack_crops(members["target.mkv"]), unpack_crops(members["reference.mkv"])
    except TruncatedMedia as error:
        raise _corrupt(entry, entry.sha256, facts["key"]) from error
    digest = hashlib.sha256(json.dumps(facts["sha256"], sort_keys=True).encode()).hexdigest()
    return Sample(facts["key"], shown, target, target, wav_samples(members["wav"]), digest, facts)


def _first_damaged(path: Path) -> str | None:
    """The key of the first sample whose parts are not what its facts say; None where that cannot be told."""
    last = None
    try:
        for members in _groups(path):
            facts = json.loads(members["json"])
            last = str(facts["key"])
            if any(hashlib.sha256(members.get(name, b"")).hexdigest() != facts["sha256"][name] for name in MEDIA):
                return last
    except (tarfile.TarError, ValueError, KeyError, IndexError, EOFError):
        return f"the one after {last}" if last else None
    return None


def _corrupt(entry: ShardEntry, found: str, sample: str | None) -> CorruptShard:
    return CorruptShard(
        f"Shard {entry.name} has SHA-256 {found}, not {entry.sha256}; the first damaged sample is {sample or 'not known'}.",
        where={"shard": entry.name, "sample": sample},
        suggestions=("copy the shard again", "delete its record under sources/ and prepare again"),
    )


def wav_bytes(sound_S: NDArray[np.int16]) -> bytes:
    """16-bit mono at 16 kHz."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, len(sound_S), "NONE", ""))
        file.writeframes(sound_S.astype("<i2").tobytes())
    return buffer.getvalue()


def wav_samples(data: bytes) -> NDArray[np.int16]:
    """The inverse of `wav_bytes`."""
    with wave.open(io.BytesIO(data), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)
