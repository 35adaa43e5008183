"""From a folder of footage to a data set: every source once, shards, manifest, report, contact sheet.

The place that is written to holds ``sources/SHA256.json`` (one record per source, written last, so that a source is either
done or not), ``shards/*.tar``, ``dataset.json`` (the manifest), ``report.json`` and ``sheet.png``. Sources are finished in the
order of their names whatever the number of workers, so an interrupted run and an uninterrupted one leave the same data.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import structlog

from dubbing.errors import BadInput, ConsentMissing, ObjectMissing
from lipforcing.weights.digests import sha256_of

from .dataset import FORMAT
from .disk import disk_error
from .duplicates import Seen, Signature
from .heldout import speaker_of, split_of_speaker
from .place import Place
from .plan import CLIP_FRAMES, GAP
from .quality import Limits
from .report import summarise
from .shards import MEDIA, ShardEntry, Staged, stage, write_shard
from .source import Candidate, SourceFound, SourceTask
from .workers import Tools, examine_all

log = structlog.get_logger(__name__)

_SUFFIXES = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".ts", ".mxf"}
_CONSENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{2,127}")
_PER_SHARD = 64


class PrepareProgress(NamedTuple):
    """How far a run is: sources done and in all, samples so far, and seconds left, judged by bytes."""

    source: str
    done: int
    of: int
    samples: int
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be prepared.

    Attributes:
        root: folder of the footage; folders below it are identities.
        consent: tag that says by what right the footage is used; it goes into every sample.
        tools: landmarker and sync scorer.
        crop: side of the crops.
        limits: of quality.
        workers: processes.
    """

    root: Path
    consent: str
    tools: Tools
    crop: int = 128
    limits: Limits = field(default_factory=Limits)
    workers: int = 1

    def check(self) -> None:
        """Refuses what can be refused before any work.

        Raises:
            ConsentMissing: no tag, or none that could be one.
            BadInput: no such folder, or no footage in it.
        """
        if not _CONSENT.fullmatch(self.consent):
            raise ConsentMissing(
                f"The consent tag {self.consent!r} is none." if self.consent else "Footage of people needs a consent tag.",
                where={"option": "consent"},
                suggestions=("name the agreement that allows training, e.g. --consent release-form-2026-017",),
            )
        if not self.root.is_dir():
            raise BadInput(f"There is no folder {self.root}.", where={"argument": "dir"})

    @property
    def config(self) -> str:
        """Digest of everything that decides what a source gives."""
        parts = [FORMAT, CLIP_FRAMES, GAP, self.crop, asdict(self.limits), self.tools.scorer]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def sources_in(root: Path) -> list[Path]:
    """Every file below a folder that looks like footage, by name.

    Raises:
        BadInput: there is none.
    """
    found = sorted(p for p in root.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file() and not p.name.startswith("."))
    if not found:
        raise BadInput(
            f"There is no footage in {root}.",
            where={"argument": "dir"},
            suggestions=(f"known are {', '.join(sorted(_SUFFIXES))}",),
        )
    return found


class Preparation:
    """One run; ``advance`` is called after every source."""

    def __init__(self, request: Request, place: Place, advance: Callable[[PrepareProgress], None] = lambda _: None) -> None:
        request.check()
        self._request, self._place, self._advance = request, place, advance
        self._seen = Seen()
        self._skipped = 0

    def run(self) -> dict[str, Any]:
        """Prepare what is not prepared yet; gives the report, which also lies in the place.

        Raises:
            DiskFull: no room is left; what was finished stays.
        """
        todo, drops = self._todo()
        try:
            with TemporaryDirectory(prefix="dubline-footage-") as scratch:
                self._prepare(todo, Path(scratch))
        except OSError as error:
            raise disk_error(error, "the data set") from error
        request = self._request
        about = {"scorer": request.tools.scorer, "crop": request.crop, "limits": asdict(request.limits)}
        return summarise(self._place, request.config, about, {"skipped": self._skipped, "same_file": drops})

    def _todo(self) -> tuple[list[tuple[Path, str]], list[str]]:
        """Sources without a valid record, and those whose bytes another one has too."""
        todo, digests, twice = [], set[str](), []
        for path in sources_in(self._request.root):
            speaker_of(path, self._request.root)  # a sidecar that cannot be read is found before the work, not after
            sha256 = sha256_of(path)
            if sha256 in digests:
                twice.append(str(path.relative_to(self._request.root)))
                continue
            digests.add(sha256)
            record = self._record(sha256)
            if record is None:
                todo.append((path, sha256))
                continue
            self._skipped += 1
            for clip in record["clips"]:
                self._seen.add(Signature(int(clip["looks"], 16), tuple(clip["opening"])))
        return todo, twice

    def _record(self, sha256: str) -> dict[str, Any] | None:
        """The record of a source that was prepared in this very way and under this very consent."""
        try:
            record: dict[str, Any] = json.loads(self._place.get_bytes(f"sources/{sha256}.json"))
        except ObjectMissing:
            return None
        same = (record["config"], record["consent"]) == (self._request.config, self._request.consent)
        return record if same else None

    def _prepare(self, todo: Sequence[tuple[Path, str]], scratch: Path) -> None:
        request = self._request
        tasks = []
        for path, sha256 in todo:
            staging = scratch / sha256
            staging.mkdir()
            tasks.append(SourceTask(path, sha256, request.crop, request.limits, staging))
        sizes = [path.stat().st_size for path, _ in todo]
        began, samples = time.monotonic(), 0
        for index, (task, found) in enumerate(zip(tasks, examine_all(tasks, request.tools, request.workers), strict=True)):
            samples += self._finish(task, found)
            done = sum(sizes[: index + 1])
            left = (time.monotonic() - began) * (sum(sizes) - done) / max(done, 1)
            self._advance(PrepareProgress(str(task.path.relative_to(request.root)), index + 1, len(tasks), samples, left))

    def _finish(self, task: SourceTask, found: SourceFound) -> int:
        """Pack a source's shards and write its record; gives the number of its samples."""
        name = str(task.path.relative_to(self._request.root))
        accepted = [one for one in found.candidates if self._seen.add(one.signature)]
        found.drops["duplicate"] += len(found.candidates) - len(accepted)
        speaker = speaker_of(task.path, self._request.root)
        split, held = split_of_speaker(speaker)
        about = {"source": name, "source_sha256": task.sha256, "consent": self._request.consent, "split": split.value,
                 "held_out": list(held), "sound_shift": found.shift, **asdict(speaker)}  # fmt: skip
        shards = [
            self._pack(task, f"shards/{task.sha256[:16]}-{number:03d}.tar", accepted[first : first + _PER_SHARD], about)
            for number, first in enumerate(range(0, len(accepted), _PER_SHARD))
        ]
        clips = [{"key": c.key, "looks": f"{c.signature.appearance:016x}", "opening": c.signature.opening} for c in accepted]
        record = {**about, "config": self._request.config, "frames": found.frames, "clips": clips, "error": found.error,
                  "drops": {k: n for k, n in found.drops.items() if n}, "shards": [s._asdict() for s in shards]}  # fmt: skip
        self._place.put_bytes(f"sources/{task.sha256}.json", json.dumps(record, sort_keys=True).encode())
        for file in task.staging.iterdir():
            file.unlink()
        log.info("footage_prepared", source=name, samples=len(accepted), drops=record["drops"], error=found.error)
        return len(accepted)

    def _pack(self, task: SourceTask, name: str, candidates: Sequence[Candidate], about: dict[str, Any]) -> ShardEntry:
        path = task.staging / "shard.tar"
        sha256, size, count = write_shard(path, (_staged(task.staging, one, about) for one in candidates))
        self._place.put_file(name, path)
        return ShardEntry(name, sha256, size, count)


def _staged(staging: Path, one: Candidate, about: dict[str, Any]) -> Staged:
    media = {name: (staging / f"{one.key}.{name}").read_bytes() for name in MEDIA}
    return stage(one.key, media, {**about, **one.facts})
