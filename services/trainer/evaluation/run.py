"""One evaluation: the same held-out clips for the model and, when asked, for the incumbent.

All figures but ``speed`` depend on weights, split, clips, frames and seed alone.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dubbing.errors import BadInput
from dubbing.faces.detector import MediaPipeDetector
from lipforcing.contract import BLOCK_FRAMES, FIRST_BLOCK_FRAMES, STUDENTS
from services.trainer.common.timing import MARGIN
from services.trainer.data.takes import Footage
from services.trainer.metrics import pictures as metrics
from services.trainer.metrics.mouth_figures import Measured
from services.trainer.metrics.scorers import sync_scorer
from services.trainer.models.dubber import Dubber
from services.trainer.models.publish import MODELS, TINY, version_folder

from .clip import ClipJudge, ClipResult
from .features import CodecFeatures
from .players import FILMS, film_of, write_player
from .speakers import HeldOut, evaluate


class NoModel(BadInput):
    """What was named is no model that can be evaluated."""

    code = "no_model"
    title = "There is no such model"


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """What is measured on what.

    Attributes:
        held: the clips; their seed is that of the noise, too.
        landmarker: MediaPipe's model.
        syncnet: weights of a SyncNet; without them sync is measured by mouth correlation.
    """

    held: HeldOut
    landmarker: Path
    syncnet: Path | None = None

    def check(self) -> None:
        """Refuse what cannot be measured.

        Raises:
            BadInput: too few clips, or frames that fill no whole blocks.
        """
        frames = self.held.frames
        if self.held.clips < 2:
            raise BadInput("An evaluation needs at least 2 clips: each is the other's control.", where={"option": "clips"})
        least = FIRST_BLOCK_FRAMES + 2 * BLOCK_FRAMES
        if frames < least or (frames - FIRST_BLOCK_FRAMES) % BLOCK_FRAMES:
            raise BadInput(
                f"{frames} frames are no whole blocks.", where={"option": "frames"},
                suggestions=(f"{FIRST_BLOCK_FRAMES} + {BLOCK_FRAMES}k and at least {least}, e.g. 57 or 81",),
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelEvaluation:
    """A model's figures: of each clip, of all clips with controls, silence and untouched pixels, and distances between sets.

    Speed is frames per second on this machine, and differs from run to run.
    """

    name: str
    digests: dict[str, str]
    clips: list[ClipResult]
    summary: dict[str, Any]
    distances: dict[str, Any]
    speed: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Figures and their 95 % intervals, and every clip's."""
        names = list(self.clips[0].values)
        rows = [clip.values for clip in self.clips]
        means = {name: _mean([row[name] for row in rows]) for name in names}
        intervals = {name: [_round(v) for v in metrics.interval([row[name] for row in rows])] for name in names}
        offsets = [row["offset"] for row in rows]
        return {
            "model": self.name, "digests": self.digests, "figures": means, "intervals": intervals,
            "offset_within_1": _round(float(np.mean([abs(o) <= 1 for o in offsets]))),
            "controls": self.summary, "distances": self.distances, "speed": self.speed,
            "clips": [{**clip.meta, **{k: _round(v) for k, v in clip.values.items()}} for clip in self.clips],
        }  # fmt: skip


def repository_of(model: str, root: Path) -> Path:
    """The model repository that ``tiny`` or a path names.

    Raises:
        NoModel: it holds no whole set of tiny models.
    """
    repository = root / "model_repo" if model == TINY.preset else Path(model)
    missing = [name for name in MODELS if not (version_folder(repository, name) / "model.json").is_file()]
    if missing:
        what = (
            f"on generated speakers {model} cannot be evaluated, only the preset tiny can"
            if model in STUDENTS
            else f"{repository} lacks {', '.join(missing)}"
        )
        raise NoModel(
            f"There is no model to evaluate: {what}.", where={"argument": "model"},
            suggestions=("say tiny, or name a model repository with the three tiny models", "name footage: --data PLACE"),
        )  # fmt: skip
    return repository


def evaluate_model(
    name: str, repository: Path, judge_with: Path, plan: EvaluationPlan, *, report: Path | None = None,
    advance: Callable[[int, int], None] = lambda _done, _of: None,
) -> ModelEvaluation:  # fmt: skip
    """Measure one model; films to look at are written to ``report``, where it is given.

    The codec and speech encoder in ``judge_with`` judge, the same for all models that are compared.
    """
    plan.check()
    shots = [plan.held.shot(index) for index in range(plan.held.clips)]
    found: list[ClipResult] = []
    with MediaPipeDetector(plan.landmarker) as detector:
        judge = ClipJudge(detector, sync_scorer(plan.syncnet, detector, judge_with), CodecFeatures.of(judge_with))

        def on_clip(index: int, measured: Measured) -> None:
            shot, pictures = shots[index], measured.pictures
            found.append(judge.judge(shot, shots[(index + 1) % len(shots)], measured))
            if report is not None and index < FILMS:
                panels = [pictures[part] for part in ("source", "generated", "true")]
                write_player(report / film_of(index), panels, shot.sound[1][MARGIN:-MARGIN])

        summary = evaluate(repository, plan.landmarker, plan.held, observe=on_clip, advance=advance)
    _add_identity(found)
    digests = {
        model: str(json.loads((version_folder(repository, model) / "model.json").read_text())["digest"]) for model in MODELS
    }
    return ModelEvaluation(name, digests, found, summary, _distances(found), _speed(repository, shots[0]))


def _add_identity(clips: list[ClipResult]) -> None:
    generated, true = (np.array([clip.shapes[side] for clip in clips]) for side in (0, 1))
    for clip, value in zip(clips, metrics.shape_identity(generated, true), strict=True):
        clip.values["identity"] = float(value)


def _distances(clips: list[ClipResult]) -> dict[str, Any]:
    return {
        "codec_feature_frechet": _distance([clip.appearance for clip in clips]),
        "mouth_motion_frechet": _distance([clip.moves for clip in clips]),
    }


def _distance(features: list[tuple[metrics.Values, metrics.Values]]) -> dict[str, Any]:
    generated, true = (np.concatenate(side) for side in zip(*features, strict=True))
    samples, dimensions = min(len(generated), len(true)), generated.shape[1]
    return {
        "value": _round(metrics.frechet(generated, true)), "samples": samples, "dimensions": dimensions,
        "full_rank": samples > dimensions,
    }  # fmt: skip


def _speed(repository: Path, shot: Footage) -> dict[str, Any]:
    """Generation alone, one stream, after a warm-up."""
    dubber = Dubber(repository)
    crops = np.zeros((shot.scene.frames, TINY.crop, TINY.crop, 3), np.uint8)
    features = dubber.listen(shot.sound[1], shot.times)
    dubber.speak(crops[:FIRST_BLOCK_FRAMES], features[:FIRST_BLOCK_FRAMES])
    began = time.perf_counter()
    dubber.speak(crops, features)
    seconds = time.perf_counter() - began
    return {
        "frames_per_second": round(len(crops) / seconds, 1), "threads": torch.get_num_threads(), "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def _mean(values: list[float]) -> float:
    return _round(float(np.nanmean(values))) if np.isfinite(values).any() else float("nan")


def _round(value: float) -> float:
    return round(float(value), 4)
