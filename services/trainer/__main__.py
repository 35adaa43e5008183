"""``python -m services.trainer``: makes the demonstration model from nothing."""

import argparse
import json
from pathlib import Path

from services.trainer.pipeline import Run
from services.trainer.publish import TINY
from services.trainer.recipes import NAMES, load
from services.trainer.repository import keep_version

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(
        prog="services.trainer", description="Train, publish and evaluate the demonstration model."
    )
    parser.add_argument("--recipe", choices=NAMES, default="tiny")
    parser.add_argument("--work", type=Path, default=ROOT / ".dubline" / "trainer", help="intermediate results; resumable")
    parser.add_argument("--repository", type=Path, help="where the weights go; default: model_repo, for smoke the work folder")
    parser.add_argument("--landmarker", type=Path, default=ROOT / "third_party" / "face_landmarker" / "face_landmarker.task")
    parser.add_argument("--evaluate", action="store_true", help="only evaluate what the repository holds")
    parser.add_argument("--keep", type=int, metavar="VERSION", help="make a published version the first, and evaluate it")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    repository = options.repository or (ROOT / "model_repo" if options.recipe == "tiny" else options.work / "repository")
    run = Run(load(options.recipe), options.work, repository, options.landmarker)
    if options.keep is not None:
        keep_version(repository, TINY.preset, options.keep)
    metrics = run.judge() if options.evaluate or options.keep is not None else run.run()
    print(json.dumps(metrics, indent=2))  # noqa: T201 - a command's result


if __name__ == "__main__":
    main()
