"""``python -m services.trainer.footage``: what ``dubline data prepare`` runs."""

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from dubbing.imports import lasting

with lasting():
    from dubbing.errors import BadInput
    from dubbing.settings import MediaSettings, S3Settings
    from services.trainer.common.console import ROOT, exit_code, in_checkout, say
    from services.trainer.metrics.scorers import scorer_name

    from .place import place_at
    from .prepare import Preparation, PrepareProgress, Request
    from .quality import Limits
    from .report import REPORT, SHEET
    from .workers import Tools


_SYNCNET_CONFIDENCE = 3.0  # LatentSync's published pipeline


def main() -> int:
    """Entry point; see `exit_code`."""
    return exit_code(_prepare, "Interrupted. The same command goes on with the first source that is not finished.")


def _prepare() -> None:
    """Prepare, and print the report."""
    options = _options()
    usual = Limits() if options.syncnet is None else Limits(confidence=_SYNCNET_CONFIDENCE)
    tools = Tools(in_checkout(MediaSettings().face_model), options.repository, options.syncnet, scorer_name(options.syncnet))
    request = Request(options.dir, options.consent or "", tools, options.crop, _limits(options.limit, usual), options.workers)
    request.check()
    report = Preparation(request, place_at(options.out, S3Settings(), make=True), _say_progress).run()
    sys.stdout.write(json.dumps(report, indent=2, sort_keys=True) + "\n")
    say(f"{report['samples']['all']} samples in {options.out}; see {REPORT} and {SHEET} there.")


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
    kinds = {name: type(value) for name, value in asdict(usual).items()}
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


def _say_progress(at: PrepareProgress) -> None:
    left = f"{at.seconds_left / 60:.0f} min left" if at.seconds_left >= 90 else f"{at.seconds_left:.0f} s left"
    say(f"{at.done}/{at.of} {at.source}: {at.samples} samples so far, about {left}")


if __name__ == "__main__":
    sys.exit(main())
