"""How well a published student speaks, measured on people, voices and languages that it never saw.

Nothing of the generator's knowledge is used on the result: generated mouths are pasted back into the frames and measured
there by the landmarker, and compared with the mouth that the generator drew for the same sound.

Legend: N clips, V video frames, H/W picture height and width, C colours, A features, S samples.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from dubbing.faces.align import Matrix, crop_transforms, extract_crop
from dubbing.faces.composite import Compositor
from dubbing.faces.detector import FaceDetector, MediaPipeDetector
from lipforcing.contract import mouth_mask
from services.trainer.common.sheet import draw_sheet
from services.trainer.data.takes import Footage, footage, in_processes
from services.trainer.metrics.mouth_figures import LATE, Frames, Measured, mouth_figures, summary
from services.trainer.metrics.mouth_series import MouthSeries, correlation, mouth_series
from services.trainer.models.dubber import Dubber
from services.trainer.models.publish import TINY, add_metrics
from synthetic.splits import Split

log = structlog.get_logger(__name__)
_SEEDS = 1_000_003  # seeds of one evaluation's clips lie this far from the next one's


@dataclass(frozen=True, slots=True)
class _Clip:
    """One held-out clip, cut for the student."""

    shot: Footage
    frames: list[Frames]
    filmed: list[Frames]
    matrices: list[Matrix]
    crops: Frames

    @classmethod
    def of(cls, shot: Footage) -> "_Clip":
        frames, filmed = (list(column) for column in zip(*shot.frames(), strict=True))
        matrices = list(crop_transforms(shot.anchors(), TINY.crop))
        cut = [extract_crop(frame, matrix, TINY.crop) for frame, matrix in zip(frames, matrices, strict=True)]
        return cls(shot, frames, filmed, matrices, np.asarray(cut, np.uint8))

    def pasted(self, generated: Frames) -> list[Frames]:
        compositor = Compositor(TINY.crop)
        rows = zip(self.frames, self.matrices, self.crops, generated, strict=True)
        return [np.asarray(compositor.paste(*row), np.uint8) for row in rows]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The clips of one evaluation, 9 + 12k frames each: ``DEV`` while tuning, ``TEST`` for what is reported."""

    split: Split
    clips: int
    frames: int
    seed: int

    def shot(self, index: int) -> Footage:
        """Clip ``index``; the one after the last is the first."""
        return footage(self.split, self.seed * _SEEDS + index % self.clips, self.frames, plain=True)


# What the committed weights are judged by. One voice's clips differ so much that 48 leave the mean opening's correlation a
# standard error of 0.011, more than what there is to tell.
COMMITTED = (HeldOut(Split.DEV, 48, 57, 1), HeldOut(Split.TEST, 192, 57, 1))
_GOAL = {"r_open": 0.90, "r_width": 0.80}  # correlations with the true mouth that are wanted on the test split


def evaluate(
    repository: Path, landmarker: Path, held: HeldOut, *,
    observe: Callable[[int, Measured], None] | None = None, processes: int | None = None,
    advance: Callable[[int, int], None] = lambda _done, _of: None,
) -> dict[str, Any]:  # fmt: skip
    """Figures of the published student on held-out clips; they do not depend on how many ``processes`` share these.

    ``observe`` hears every clip's number and what was measured on it, ``advance`` how many are done.

    Returns:
        JSON values; correlations are means of per-clip Pearson correlations, and ``each`` lists two of them clip by clip.

    Raises:
        WeightsError: a model is absent, damaged, or another one.
        BrokenProcessPool: a process died on the same clips again and again.
    """
    task = partial(_measure, repository, landmarker, held, observe is not None)
    found: list[tuple[str, Mapping[str, float]]] = []
    for ((language, measured),) in in_processes(task, range(held.clips), processes, at_once=1):
        if observe is not None:
            observe(len(found), measured)
        found.append((language, measured.figures))
        advance(len(found), held.clips)
    languages = sorted({language for language, _ in found})
    return {**asdict(held), "languages": languages, **summary([figures for _, figures in found])}


def judge(repository: Path, landmarker: Path, work: Path, every: Sequence[HeldOut] = COMMITTED) -> dict[str, Any]:
    """Evaluate what the repository holds; figures go into the student's manifest, contact sheets to ``work``."""
    metrics: dict[str, Any] = {}
    for held in every:

        def draw(index: int, measured: Measured, name: str = held.split.value) -> None:
            draw_sheet(work / f"{name}-{index:02d}.png", measured.pictures)

        found = evaluate(repository, landmarker, held, observe=draw)
        metrics[held.split.value] = found
        log.info("evaluated", **found)
    metrics["goal"] = {**_GOAL, "reached": all(found[name] >= wanted for name, wanted in _GOAL.items())}
    add_metrics(repository, metrics)
    return metrics


def _measure(repository: Path, landmarker: Path, held: HeldOut, pictures: bool, index: int) -> tuple[str, Measured]:
    """Language and figures of a clip; with ``pictures`` what they were measured on besides, which is large."""
    dubber, detector = _opened(repository, landmarker)
    shot = held.shot(index)
    measured = _judge(dubber, detector, _Clip.of(shot), held.shot(index + 1))
    return str(shot.meta["language"]), measured if pictures else replace(measured, pictures={})


@cache
def _opened(repository: Path, landmarker: Path) -> tuple[Dubber, MediaPipeDetector]:
    """Once in each process."""
    return Dubber(repository), MediaPipeDetector(landmarker)


def _judge(dubber: Dubber, detector: FaceDetector, clip: _Clip, other: Footage) -> Measured:
    """All measurements on one clip."""
    shot = clip.shot
    speech = {
        "own": dubber.listen(shot.sound[1], shot.times),
        "late": dubber.listen(shot.sound[1], shot.times - LATE),
        "other": dubber.listen(other.sound[1], other.times),
        "silence": dubber.listen(np.zeros_like(shot.sound[1]), shot.times),
    }
    generated = {name: dubber.speak(clip.crops, features) for name, features in speech.items()}
    pasted = {name: clip.pasted(crops) for name, crops in generated.items()}
    seen = {name: mouth_series(frames, detector, mirrored=True) for name, frames in pasted.items()}
    ceiling = mouth_series(clip.filmed, detector, mirrored=True)
    opening, width = shot.truth[1].astype(np.float64).T
    footage_opening = shot.truth[0][:, 0].astype(np.float64)
    others = other.truth[1][:, 0].astype(np.float64)
    unchanged = [np.array_equal(a[outside], b[outside]) for a, b, outside in _outside(clip, pasted["own"])]
    row = {
        **mouth_figures(seen, MouthSeries(opening, width), ceiling, others),
        "ceiling_open": correlation(ceiling.opening, opening),
        "ceiling_width": correlation(ceiling.width, width),
        "r_footage": correlation(seen["own"].opening, footage_opening),
        "r_footage_truth": correlation(opening, footage_opening),
        "mouth_error": _mouth_error(clip, generated["own"]),
        "untouched": float(np.mean(unchanged)),
    }
    return Measured(
        row,
        {"source": clip.frames, "generated": pasted["own"], "true": clip.filmed, "silence": pasted["silence"]},
        {"generated": seen["own"], "true": ceiling},
    )


def _outside(clip: _Clip, pasted: Sequence[Frames]) -> list[tuple[Frames, Frames, NDArray[np.bool_]]]:
    """Frames before and after, with the region that the mouth mask cannot reach."""
    found = []
    ys, xs = np.mgrid[: clip.frames[0].shape[0], : clip.frames[0].shape[1]]
    points = np.stack([xs, ys, np.ones_like(xs)], axis=-1).astype(np.float64)
    mask = np.pad(mouth_mask(TINY.crop), 2, mode="edge")
    for frame, generated, matrix in zip(clip.frames, pasted, clip.matrices, strict=True):
        at = np.rint(points @ matrix.T).astype(int) + 2
        inside = ((at >= 0) & (at < TINY.crop + 4)).all(axis=-1)
        at = np.clip(at, 0, TINY.crop + 3)
        found.append((frame, generated, ~(inside & mask[at[..., 1], at[..., 0]])))
    return found


def _mouth_error(clip: _Clip, generated: Frames) -> float:
    """Mean absolute error of the generated crop inside the mouth region, in 8-bit steps."""
    true = np.asarray([extract_crop(f, m, TINY.crop) for f, m in zip(clip.filmed, clip.matrices, strict=True)], np.float32)
    return float(np.abs(true - generated)[:, mouth_mask(TINY.crop)].mean())
