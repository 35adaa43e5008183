"""``python -m services.trainer.release.measure REPOSITORY LANDMARKER CLIPS FRAMES``: figures of version 1 on the frozen set.

The set is frozen by its seed: the same people, voices and sentences of the test split for every candidate and every incumbent.
Generated speakers for the small model; with ``--preset`` and ``--data``, prepared footage for any.
"""

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

import torch

from dubbing.errors import BadInput, CheckpointMismatch, DublineError
from dubbing.faces.detector import MediaPipeDetector
from dubbing.settings import S3Settings
from lipforcing.weights.digests import sha256_of
from lipforcing.weights.errors import WeightsError
from services.trainer.evaluation.footage import FootageJudge
from services.trainer.evaluation.speakers import evaluate
from services.trainer.footage.frozen import FrozenClips
from services.trainer.footage.place import place_at
from services.trainer.metrics.scorers import SyncNetScorer
from services.trainer.models.dubber import Dubber
from services.trainer.release.child import tell
from services.trainer.release.gate_dataset import SEED
from synthetic.splits import Split


def main() -> int:
    """Print how far it is, then the figures, or the problem that kept them from being measured (exit 1)."""
    options = _options()
    try:
        figures = _of_footage(options) if options.data else _of_speakers(options)
    except DublineError as error:
        json.dump({"problem": error.problem()}, sys.stdout)
        return 1
    # JSON knows no NaN: what could not be measured has no figure, and the gate says so.
    shown = {name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in figures.items()}
    json.dump(shown, sys.stdout)
    return 0


def _of_speakers(options: argparse.Namespace) -> dict[str, Any]:
    return evaluate(
        options.repository, options.landmarker, split=Split.TEST, clips=options.clips, frames=options.frames, seed=SEED,
        advance=tell,
    )  # fmt: skip


def _of_footage(options: argparse.Namespace) -> dict[str, Any]:
    clips = FrozenClips(
        place_at(options.data, S3Settings()), options.preset,
        split=Split.TEST, clips=options.clips, frames=options.frames, seed=SEED,
    )  # fmt: skip
    try:
        scorer = SyncNetScorer.of(options.syncnet) if options.syncnet else None
    except WeightsError as error:
        raise BadInput(f"{options.syncnet} holds no SyncNet: {error}", where={"stage": "publishing"}) from error
    try:
        dubber = Dubber(options.repository, options.preset, torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    except WeightsError as error:
        raise CheckpointMismatch(f"The models cannot be loaded: {error}", where={"stage": "publishing"}) from error
    with MediaPipeDetector(options.landmarker) as detector:
        figures = FootageJudge(detector, scorer, SEED).measure(dubber, clips, lambda index, *_: tell(index + 1, len(clips)))
    return {**figures, "syncnet": sha256_of(options.syncnet) if options.syncnet else None}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("repository", type=Path)
    parser.add_argument("landmarker", type=Path)
    parser.add_argument("clips", type=int)
    parser.add_argument("frames", type=int)
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--data")
    parser.add_argument("--syncnet", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
