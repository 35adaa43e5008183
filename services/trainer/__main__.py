"""``python -m services.trainer``: the demonstration model's encoders from nothing, and the weights that a checkout commits."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from services.trainer.encoders.run import SMOKE, EncoderRecipe, EncoderRun
from services.trainer.evaluation.speakers import COMMITTED, judge
from services.trainer.models.publish import TINY
from services.trainer.models.repository import keep_version

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="services.trainer", description=__doc__.partition(": ")[2])
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--encoders", action="store_true", help="train codec and speech encoder, and publish both")
    task.add_argument(
        "--decoder", type=Path, metavar="STUDENT", help="train the decoder for a student's version folder; publish all"
    )
    task.add_argument("--evaluate", action="store_true", help="evaluate what the repository holds")
    task.add_argument("--keep", type=int, metavar="VERSION", help="make a published version the first, and evaluate it")
    parser.add_argument("--smoke", action="store_true", help="a few steps of each stage: shows that all fits, and no more")
    parser.add_argument("--work", type=Path, default=ROOT / ".dubline" / "trainer", help="intermediate results; resumable")
    parser.add_argument("--repository", type=Path, default=ROOT / "model_repo", help="where the weights are, or go")
    parser.add_argument("--landmarker", type=Path, default=ROOT / "third_party" / "face_landmarker" / "face_landmarker.task")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    run = EncoderRun(SMOKE if options.smoke else EncoderRecipe(), options.work)
    if options.encoders:
        run.encoders(options.repository)
    elif options.decoder is not None:
        run.decoder(options.decoder, options.repository)
    else:
        if options.keep is not None:
            keep_version(options.repository, TINY.preset, options.keep)
        every = [replace(held, clips=1, frames=21) for held in COMMITTED] if options.smoke else COMMITTED
        metrics = judge(options.repository, options.landmarker, options.work, every)
        print(json.dumps(metrics, indent=2))  # noqa: T201 - a command's result


if __name__ == "__main__":
    main()
