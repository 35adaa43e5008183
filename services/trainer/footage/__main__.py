"""``python -m services.trainer.footage``: what ``dubline data prepare`` runs."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from dubbing.errors import BadInput, DublineError
from dubbing.logging import configure_logging
from dubbing.settings import LoggingSettings, MediaSettings, S3Settings
from lipforcing.weights.errors import WeightsError
from services.trainer.console import say
from services.trainer.evaluation.mouth import MouthCorrelationScorer
from services.trainer.evaluation.syncnet import SyncNetScorer

from .place import place_at
from .prepare import Preparation, PrepareProgress, Request
from .quality import Limits
from .report import REPORT, SHEET
from .workers import Tools

ROOT = Path(__file__).parents[3]
_SYNCNET_CONFIDENCE = 3.0  # LatentSync's published pipeline


def main() -> int:
    """Prepare, print the report; 0 when done, 2 when the input must change, 1 for any other failure."""
    options = _options()
    logs = LoggingSettings()
    quiet = logs.model_copy(update={"level": "WARNING"}) if logs.level == "INFO" else logs  # progress says it already
    configure_logging(quiet, "trainer")
    try:
        scorer = SyncNetScorer.of(options.syncnet).name if options.syncnet else MouthCorrelationScorer.name
        usual = Limits() if options.syncnet is None else Limits(confidence=_SYNCNET_CONFIDENCE)
        tools = Tools(_found(MediaSettings().face_model), options.repository, options.syncnet, scorer)
        request = Request(
            options.dir, options.consent or "", tools, options.crop, _limits(options.limit, usual), options.workers
        )
        request.check()
        report = Preparation(request, place_at(options.out, S3Settings(), make=True), _say_progress).run()
    except (DublineError, WeightsError) as error:
        say(f"Error {error}", *(f"  - {advice}" for advice in getattr(error, "suggestions", ())))
        return 2 if isinstance(error, (BadInput, WeightsError)) else 1
    except KeyboardInterrupt:
        say("Interrupted. The same command goes on with the first source that is not finished.")
        return 130
    sys.stdout.write(json.dumps(report, indent=2, sort_keys=True) + "\n")
    say(f"{report['samples']['all']} samples in {options.out}; see {REPORT} and {SHEET} there.")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dubline data prepare", description="Turn footage of people into training samples.")
    parser.add_argument("dir", type=Path, help="folder of footage; folders in it are identities")
    parser.add_argument("--out", required=True, help="a folder, or s3://bucket/prefix")
    parser.add_argument("--consent", help="tag that says by what right the footage is used")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--crop", type=int, default=128, choices=(128, 512), help="side of the crops: 128 for tiny, 512 else")
    parser.add_argument("--limit", action="append", default=[], metavar="NAME=VALUE", help="a quality limit other than usual")
    parser.add_argument("--repository", type=Path, default=ROOT / "model_repo", help="model repository of the sync scorer")
    parser.add_argument("--syncnet", type=Path, help="weights of a SyncNet to judge sync by; else mouth correlation")
    return parser.parse_args()


def _limits(given: list[str], usual: Limits) -> Limits:
    kinds = {name: type(value) for name, value in usual.to_json().items()}
    chosen: dict[str, Any] = {}
    for word in given:
        name, _, value = word.partition("=")
        try:
            chosen[name] = kinds[name](value)
        except (KeyError, ValueError) as error:
            raise BadInput(
                f"{word!r} is no limit.", where={"option": "limit"}, suggestions=(f"one of {', '.join(kinds)}, as eyes=32",)
            ) from error
    return replace(usual, **chosen)


def _found(path: Path) -> Path:
    """A file of the checkout, when the command is called from elsewhere."""
    return path if path.is_absolute() or path.exists() else ROOT / path


def _say_progress(at: PrepareProgress) -> None:
    left = f"{at.seconds_left / 60:.0f} min left" if at.seconds_left >= 90 else f"{at.seconds_left:.0f} s left"
    say(f"{at.done}/{at.of} {at.source}: {at.samples} samples so far, about {left}")


if __name__ == "__main__":
    sys.exit(main())
