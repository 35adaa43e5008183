"""``python -m services.trainer.service plan RECIPE | offers | adopt DIR``: what processes without the model library ask."""

import argparse
import json
import sys
from pathlib import Path

from dubbing.imports import lasting

with lasting():
    from sqlalchemy.exc import OperationalError

    from dubbing.db.engine import Database
    from dubbing.errors import DublineError, Transient
    from dubbing.settings import DatabaseSettings, S3Settings, TrainerSettings
    from dubbing.storage.s3 import S3Store
    from services.trainer.recipes.offers import offers, plan
    from services.trainer.runtime.adopt import adopt


def main() -> int:
    """Print one JSON document; exit code 2 with a problem when the question makes no sense."""
    options = _options()
    try:
        answer = _answer(options)
    except DublineError as error:
        json.dump(error.problem(), sys.stdout)
        return 2
    json.dump(answer, sys.stdout)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services.trainer.service")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("offers", help="the recipes and their settings")
    ask = commands.add_parser("plan", help="what a run would need")
    ask.add_argument("recipe")
    ask.add_argument("--settings", type=json.loads, default={}, help="JSON object")
    ask.add_argument("--processes", type=int, default=1)
    bring = commands.add_parser("adopt", help="take in runs that a machine without the platform made")
    bring.add_argument("folder", type=Path)
    return parser.parse_args()


def _answer(options: argparse.Namespace) -> object:
    if options.command == "offers":
        return [offer.model_dump(mode="json") for offer in offers(TrainerSettings().places)]
    if options.command == "plan":
        return plan(options.recipe, options.settings, options.processes).to_json()
    try:
        return adopt(Database(DatabaseSettings().for_workers()), S3Store(S3Settings()), options.folder)
    except OperationalError as error:
        raise Transient(f"The database does not answer: {error.orig}", where={"stage": "adopting"}) from error


if __name__ == "__main__":
    sys.exit(main())
