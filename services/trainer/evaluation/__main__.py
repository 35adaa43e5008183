"""``python -m services.trainer.evaluation``: what ``dubline evaluate`` runs."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from dubbing.imports import lasting

with lasting():
    from dubbing.errors import BadInput
    from dubbing.settings import EngineSettings, MediaSettings
    from lipforcing.contract import STUDENTS
    from services.trainer.common.console import ROOT, exit_code, in_checkout, say
    from services.trainer.metrics.scorers import scorer_name
    from services.trainer.models.publish import TINY, version_folder
    from synthetic.splits import Split

    from .footage_report import evaluate_footage
    from .report import HTML, known, write_report
    from .run import EvaluationPlan, ModelEvaluation, evaluate_model, repository_of
    from .speakers import HeldOut


def main() -> int:
    """Entry point; see `exit_code`."""
    return exit_code(_evaluate)


def _evaluate() -> None:
    """Evaluate, and write the report."""
    options = _options()
    landmarker = in_checkout(MediaSettings().face_model)
    held = HeldOut(Split(options.split), options.clips, options.frames, options.seed)
    plan = EvaluationPlan(held, landmarker, options.syncnet)
    shown = _on_footage(options, plan) if options.data else _on_speakers(options, plan)
    sys.stdout.write(json.dumps(shown, indent=2) + "\n")
    say(f"The report is {options.out / HTML}.")


def _on_footage(options: argparse.Namespace, plan: EvaluationPlan) -> dict[str, Any]:
    preset = options.preset or (options.model if options.model in STUDENTS else TINY.preset)
    served = in_checkout(EngineSettings().model_repo)
    names = [name for name in (options.model, options.against) if name]
    facts = evaluate_footage(options.data, preset, names, plan, served=served, out=options.out)
    return {name: known(facts["models"][0][name]) for name in ("figures", "intervals")} | {"gate": facts["figures"]}


def _on_speakers(options: argparse.Namespace, plan: EvaluationPlan) -> dict[str, Any]:
    plan.check()
    if options.preset not in (None, TINY.preset):
        raise BadInput(
            "Generated speakers are drawn for the preset tiny alone.", where={"option": "preset"},
            suggestions=("name prepared footage: --data PLACE",),
        )  # fmt: skip
    names = [options.model, *([options.against] if options.against else [])]
    repositories = [repository_of(name, ROOT) for name in names]
    judge = repository_of(TINY.preset, ROOT)
    scorer = scorer_name(plan.syncnet)
    done: list[ModelEvaluation] = []
    for name, repository in zip(names, repositories, strict=True):

        def advance(clips: int, of: int, name: str = name) -> None:
            say(f"{name}: {clips} of {of} clips")

        done.append(evaluate_model(name, repository, judge, plan, report=None if done else options.out, advance=advance))
    digest = json.loads((version_folder(judge, TINY.face_encoder) / "model.json").read_text())["digest"]
    facts = write_report(options.out, plan, done[0], done[1] if len(done) > 1 else None, scorer=scorer, judge=digest)
    return {"figures": facts["model"]["figures"], "comparison": facts["comparison"]}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dubline evaluate", description="Measure a student on clips that it never saw.")
    parser.add_argument("model", help="a preset that is served here, a model repository, or what a run has made")
    parser.add_argument("--against", help="the incumbent, in the same way")
    parser.add_argument("--data", help="place of prepared footage to measure on; else generated speakers, for tiny alone")
    parser.add_argument(
        "--preset", choices=list(STUDENTS), help="of the model, with --data; else the name of the model, or tiny"
    )
    parser.add_argument("--split", choices=[Split.DEV.value, Split.TEST.value], default=Split.DEV.value)
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("--frames", type=int, default=81, help="of each clip, 9 + 12k")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--syncnet", type=Path, help="weights of a SyncNet to judge by; else mouth correlation")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder of the report")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
