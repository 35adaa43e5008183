"""Runs that start from what others made: which they are, and whether they are ready.

A setting that is named among an offer's ``starts`` holds the id of a run; what that run left in the object store is its
candidate. Any other value is a place that the trainer alone can judge.
"""

from collections.abc import Mapping
from typing import Any

from dubbing.db.training import Runs
from dubbing.db.training_models import TrainingRun
from dubbing.domain.training import RUN, RecipeOffer, RunState
from dubbing.errors import NotFound, UnfitStart


def with_starts(runs: Runs, offer: RecipeOffer, settings: Mapping[str, Any], organisation_id: str) -> dict[str, Any]:
    """Settings whose starts are all named and ready.

    A start that is not named is the one that a named run started from itself: a student's teacher need not be told twice.

    Raises:
        UnfitStart: one is missing, not the organisation's, of another recipe, or has made nothing yet.
    """
    found, known = dict(settings), dict[str, TrainingRun]()
    for name, recipe in offer.starts.items():
        value = found.get(name) or _inherited(runs, known, recipe, organisation_id)
        if not value:
            raise _unfit(name, recipe, f"{offer.name} starts from a finished run of {recipe}, and none is named.")
        if str(value).startswith(RUN):
            known[name] = _ready(runs, name, recipe, str(value), organisation_id)
        found[name] = value
    return found


def made_by_starts(runs: Runs, run: TrainingRun) -> dict[str, str]:
    """Manifest keys of what the runs made that ``run`` starts from, by setting.

    Raises:
        UnfitStart: one has made nothing, or is not there.
    """
    named = {name: value for name, value in run.settings.items() if isinstance(value, str) and value.startswith(RUN)}
    return {name: _made(name, _run(runs, name, "the recipe", value, run.organisation_id)) for name, value in named.items()}


def _inherited(runs: Runs, known: Mapping[str, TrainingRun], recipe: str, organisation_id: str) -> str | None:
    for run in known.values():
        for value in run.settings.values():
            if isinstance(value, str) and value.startswith(RUN) and runs.get(value, organisation_id).recipe == recipe:
                return value
    return None


def _ready(runs: Runs, name: str, recipe: str, run_id: str, organisation_id: str) -> TrainingRun:
    run = _run(runs, name, recipe, run_id, organisation_id)
    if run.recipe != recipe:
        raise _unfit(name, recipe, f"Run {run_id} is of recipe {run.recipe}, not {recipe}.")
    if run.state != RunState.SUCCEEDED:
        raise _unfit(name, recipe, f"Run {run_id} is {run.state}; only a run that succeeded can be started from.")
    _made(name, run)
    return run


def _run(runs: Runs, name: str, recipe: str, run_id: str, organisation_id: str) -> TrainingRun:
    try:
        return runs.get(run_id, organisation_id)
    except NotFound as error:
        raise _unfit(name, recipe, error.detail) from error


def _made(name: str, run: TrainingRun) -> str:
    if run.candidate_key is None:
        raise _unfit(name, run.recipe, f"Run {run.id} is {run.state} and has made nothing yet.")
    return run.candidate_key


def _unfit(name: str, recipe: str, detail: str) -> UnfitStart:
    return UnfitStart(
        detail,
        where={"pointer": f"/settings/{name}"},
        suggestions=(f"start {recipe}, wait until it has succeeded, and pass {name}=RUN_ID",),
    )
