"""Generated speakers on disk: takes with two mouths each, in resumable shards.

A take is one stretch of footage of one person with mouth A and the same stretch with mouth B, each with its own sound. It
serves twice: as footage of A that shall say B, and as footage of B that shall say A.

Legend: N takes, V video frames, H/W crop side, C colours, S samples (16 kHz), P viseme parameters.
"""

import hashlib
import json
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
import structlog
from numpy.typing import NDArray

from dubbing.faces.align import extract_crop, pose_of
from dubbing.faces.stabilise import smoothed
from lipforcing.contract import SAMPLE_RATE
from services.trainer.common.threads import one_thread_each
from services.trainer.common.timing import MARGIN, frame_times
from synthetic.scene import FPS, Scene, scene
from synthetic.splits import Split
from synthetic.utterance import Utterance, draw, fit

log = structlog.get_logger(__name__)

ResultT = TypeVar("ResultT")
SHARD = 20  # takes
CROP = 128
_JITTER = 0.4  # standard deviation (frame pixels) of a slow error on the anchors, as a landmarker has
_ATTEMPTS = 5
_VISEMES = 7  # parameters of a mouth
_ENDS, _SILENT = 0.2, 0.06  # share of the utterances that break off inside the footage, and of those that never begin


@dataclass(frozen=True, slots=True)
class Takes:
    """N takes; index 1 of every array is the mouth, 0 = A and 1 = B.

    Attributes:
        crops: uint8 [N, 2, V, H, W, 3].
        sound: int16 [N, 2, S], S = 640 V plus ``MARGIN`` on both sides.
        visemes: float32 [N, 2, V, 7].
        truth: float32 [N, 2, V, 2], drawn mouth opening and width over the distance of the eyes.
        meta: of each take.
    """

    crops: NDArray[np.uint8]
    sound: NDArray[np.int16]
    visemes: NDArray[np.float32]
    truth: NDArray[np.float32]
    meta: tuple[dict[str, Any], ...]

    def __len__(self) -> int:
        """Number of takes."""
        return len(self.crops)

    @property
    def times(self) -> NDArray[np.float64]:
        """Presentation times of the frames, in seconds from the first sample of ``sound``."""
        return frame_times(self.crops.shape[2])

    def digest(self) -> str:
        """SHA-256 over those of every take's crops and sound."""
        with ThreadPoolExecutor() as threads:
            return hashlib.sha256(b"".join(threads.map(self._digest_of, range(len(self))))).hexdigest()

    def _digest_of(self, take: int) -> bytes:
        found = hashlib.sha256(np.ascontiguousarray(self.crops[take]).data)
        found.update(np.ascontiguousarray(self.sound[take]).data)
        return found.digest()


@dataclass(frozen=True, slots=True)
class Footage:
    """One take before it is cut: both mouths, both sounds.

    Attributes:
        scene: people, light, motion.
        sound: int16 [2, S], with ``MARGIN`` on both sides.
        truth: float32 [2, V, 2], drawn mouth opening and width over the distance of the eyes.
        meta: of the take.
    """

    scene: Scene
    sound: NDArray[np.int16]
    truth: NDArray[np.float32]
    meta: dict[str, Any]

    @property
    def times(self) -> NDArray[np.float64]:
        """Presentation times of the frames, in seconds from the first sample of ``sound``."""
        return frame_times(self.scene.frames)

    def visemes(self, which: int) -> NDArray[np.float32]:
        """Parameters of mouth A (0) or B (1), [V, 7]."""
        return self.scene.target_controls() if which else self.scene.source_controls()

    def frames(self) -> Iterator[tuple[NDArray[np.uint8], ...]]:
        """Frames with mouth A and with mouth B, in pairs."""
        return self.scene.shot.shoot(self.visemes(0), self.visemes(1))

    def anchors(self) -> NDArray[np.float64]:
        """The three points of alignment in every frame, float64 [V, 3, 2]."""
        return self.scene.shot.anchors().astype(np.float64)


def footage(split: Split, seed: int, frames: int, *, plain: bool = False) -> Footage:
    """One take; the same arguments give the same take. A ``plain`` one speaks throughout, and never breaks off."""
    samples = frames * SAMPLE_RATE // int(FPS)
    rng = np.random.default_rng([0x7A6E5, seed])
    spoken = [_utterance(split, 2 * seed + i, samples, rng, plain=plain) for i in (0, 1)]
    one = replace(scene(split, seed, frames), source=fit(spoken[0], samples, MARGIN), target=fit(spoken[1], samples, MARGIN))
    names = {"language": spoken[1].voice.language, "voice": spoken[1].voice.variant,
             "source_language": spoken[0].voice.language, "source_voice": spoken[0].voice.variant}  # fmt: skip
    truth = np.stack([one.shot.truth(one.source_controls()), one.shot.truth(one.target_controls())])
    return Footage(one, np.stack([u.pcm() for u in spoken]), truth, {**one.meta, **names})


def _utterance(split: Split, seed: int, samples: int, rng: np.random.Generator, *, plain: bool) -> Utterance:
    whole = draw(split, seed, samples + 2 * MARGIN)
    kind = 1.0 if plain else rng.random()
    if kind < _SILENT:
        return fit(whole, samples + 2 * MARGIN, -2 * len(whole.samples))
    if kind < _SILENT + _ENDS:
        return fit(whole, samples + 2 * MARGIN, MARGIN + int(rng.integers(samples)))
    return whole


def crop_pair(one: Scene) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Aligned crops of a scene by the renderer's own anchors, uint8 [V, 128, 128, 3]: with mouth A, and with mouth B."""
    rng = np.random.default_rng([0xC809, int(one.meta["seed"])])
    anchors = one.shot.anchors().astype(np.float64)
    anchors += rng.normal(0, _JITTER, (1, 3, 2)) + rng.normal(0, 0.25 * _JITTER, anchors.shape)
    matrices = smoothed(pose_of(anchors)).transforms(CROP)
    pictures = one.shot.shoot(one.source_controls(), one.target_controls())
    pairs = [[extract_crop(frame, m, CROP) for frame in frames] for frames, m in zip(pictures, matrices, strict=True)]
    source, target = (np.stack(column) for column in zip(*pairs, strict=True))
    return source, target


def _take(split: Split, frames: int, seed: int) -> dict[str, Any]:
    shot = footage(split, seed, frames)
    return {
        "crops": np.stack(crop_pair(shot.scene)),
        "sound": shot.sound,
        "visemes": np.stack([shot.visemes(0), shot.visemes(1)]),
        "truth": shot.truth,
        "meta": shot.meta,
    }


def render_takes(
    folder: Path,
    split: Split,
    count: int,
    *,
    frames: int,
    seed: int,
    advance: Callable[[int, int], None] = lambda _done, _of: None,
) -> None:
    """Render the takes that ``folder`` does not hold yet; take i depends on (split, seed, i, frames) alone.

    ``advance`` is told how many of them are there, and how many there will be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [first for first in range(0, count, SHARD) if not _shard(folder, split, frames, seed, first).exists()]
    todo = [seed * 1_000_003 + index for first in missing for index in range(first, first + SHARD)]
    if not todo:
        return
    for first, rows in zip(missing, in_processes(partial(_take, split, frames), todo), strict=True):
        _write(_shard(folder, split, frames, seed, first), rows)
        log.info("rendered", split=split.value, takes=first + SHARD, of=count)
        advance(min(first + SHARD, count), count)


def in_processes(
    task: Callable[[int], ResultT], items: Sequence[int], processes: int | None = None, at_once: int = SHARD
) -> Iterator[list[ResultT]]:
    """Results of ``task`` for all ``items`` in order, ``at_once`` at a time, from several processes.

    They always have as many ahead of them, so that is also what bounds memory. The speech synthesizer is native code and now
    and then takes its process down; what was begun is then done again in new ones.

    Raises:
        BrokenProcessPool: the same ones fail ``_ATTEMPTS`` times.
    """
    shards, failures = deque(items[i : i + at_once] for i in range(0, len(items), at_once)), 0
    workers = min(processes or os.cpu_count() or 1, len(items)) or 1
    while shards:
        context = multiprocessing.get_context("spawn")
        with one_thread_each(), ProcessPoolExecutor(workers, context, cv2.setNumThreads, (1,)) as pool:
            begun: deque[list[Future[ResultT]]] = deque()
            try:
                while shards:
                    while len(begun) < min(len(shards), 2 + workers // at_once):
                        begun.append([pool.submit(task, item) for item in shards[len(begun)]])
                    yield [one.result() for one in begun.popleft()]
                    shards.popleft()
                    failures = 0
            except BrokenProcessPool:
                failures += 1
                log.warning("a worker process died", attempt=failures)
                if failures == _ATTEMPTS:
                    raise


def read_takes(folder: Path, split: Split, count: int, *, frames: int, seed: int) -> Takes:
    """The first ``count`` takes that ``render_takes`` left in ``folder``."""
    with ThreadPoolExecutor() as threads:
        files = [_shard(folder, split, frames, seed, first) for first in range(0, count, SHARD)]
        shards = list(threads.map(lambda file: dict(np.load(file)), files))

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([shard[name] for shard in shards])[:count]

    meta = [row for shard in shards for row in json.loads(str(shard["meta"]))]
    return Takes(joined("crops"), joined("sound"), joined("visemes"), joined("truth"), tuple(meta[:count]))


def noise_takes(count: int, *, frames: int, seed: int) -> Takes:
    """Takes of noise: nothing is rendered, and nothing can be learned of them."""
    drawn, length = np.random.default_rng([0x7A6E5, seed]), frames * SAMPLE_RATE // int(FPS) + 2 * MARGIN
    return Takes(
        drawn.integers(0, 256, (count, 2, frames, CROP, CROP, 3), np.uint8),
        drawn.integers(-8_000, 8_000, (count, 2, length), np.int16),
        drawn.random((count, 2, frames, _VISEMES), np.float32),
        drawn.random((count, 2, frames, 2), np.float32),
        ({},) * count,
    )


def _shard(folder: Path, split: Split, frames: int, seed: int, first: int) -> Path:
    return folder / f"{split.value}-{frames}-{seed}-{first:05d}.npz"


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    arrays: dict[str, Any] = {name: np.stack([row[name] for row in rows]) for name in ("crops", "sound", "visemes", "truth")}
    partial_path = path.with_suffix(".partial.npz")
    np.savez(partial_path, meta=json.dumps([row["meta"] for row in rows]), **arrays)
    partial_path.replace(path)
