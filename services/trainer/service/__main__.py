"""``python -m services.trainer.service plan RECIPE | offers``: what processes without the model library ask."""

import argparse
import json
import sys

from dubbing.errors import DublineError
from dubbing.settings import TrainerSettings
from services.trainer.service.offers import offers, plan


def main() -> int:
    """Print one JSON document; exit code 2 with a problem when the question makes no sense."""
    parser = argparse.ArgumentParser(prog="python -m services.trainer.service")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("offers", help="the recipes and their settings")
    ask = commands.add_parser("plan", help="what a run would need")
    ask.add_argument("recipe")
    ask.add_argument("--settings", type=json.loads, default={}, help="JSON object")
    ask.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    try:
        if options.command == "offers":
            answer: object = [offer.model_dump(mode="json") for offer in offers(TrainerSettings().places)]
        else:
            answer = plan(options.recipe, options.settings, options.processes).to_json()
    except DublineError as error:
        json.dump(error.problem(), sys.stdout)
        return 2
    json.dump(answer, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
