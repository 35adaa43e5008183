"""``python -m services.trainer.release.measure REPOSITORY LANDMARKER CLIPS FRAMES``: figures of version 1 on the frozen set.

The set is frozen by its seed: the same people, voices and sentences of the test split for every candidate and every incumbent.
Generated speakers for the small model; with ``--preset`` and ``--data``, prepared footage for any.
"""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dubbing.imports import lasting

with lasting():
    import torch

    from dubbing.errors import BadInput, CheckpointMismatch
    from dubbing.faces.detector import MediaPipeDetector
    from dubbing.settings import S3Settings
    from lipforcing.weights.digests import sha256_of
    from lipforcing.weights.errors import WeightsError
    from services.trainer.evaluation.footage import FootageJudge
    from services.trainer.evaluation.report import known
    from services.trainer.evaluation.speakers import HeldOut, evaluate
    from services.trainer.footage.frozen import FrozenClips
    from services.trainer.footage.place import place_at
    from services.trainer.metrics.scorers import SyncNetScorer
    from services.trainer.models.dubber import Dubber
    from services.trainer.release.child import answer, tell
    from services.trainer.release.gate_dataset import SEED
    from synthetic.splits import Split


def main() -> int:
    """Say how far it is, then answer with the figures."""
    options = _options()
    held = HeldOut(Split.TEST, options.clips, options.frames, SEED)
    # What could not be measured is null, and the gate says so.
    return answer(lambda: known(_of_footage(options, held) if options.data else _of_speakers(options, held)))


def _of_speakers(options: argparse.Namespace, held: HeldOut) -> dict[str, Any]:
    return evaluate(options.repository, options.landmarker, held, advance=tell)


def _of_footage(options: argparse.Namespace, held: HeldOut) -> dict[str, Any]:
    clips = FrozenClips(place_at(options.data, S3Settings()), options.preset, **asdict(held))
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
