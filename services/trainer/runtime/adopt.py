"""Runs that were made on a machine without the platform become runs of this one.

A folder holds one folder for each run, which is that of its only attempt (`Outbox`). All of them are read and checked before
anything is taken: that they ended, that their recipes are still the ones here, that their files are those that the manifests
name. Then each goes into the object store, and its row comes last, in one transaction that holds the run's lock meanwhile.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from dubbing import ids
from dubbing.db.engine import Database
from dubbing.db.training_models import TrainingRun
from dubbing.db.unit_of_work import UnitOfWork, unit_of_work
from dubbing.domain.training import RecipeOffer, checked_settings, recipe_sha256
from dubbing.errors import CheckpointMismatch, Conflict, DublineError, NotFound, UnfitStart
from dubbing.storage.store import ObjectStore
from dubbing.workflow.training_starts import with_starts
from lipforcing.weights.digests import sha256_of
from services.trainer.common.folder_store import put_folder
from services.trainer.methods.folders import read_network
from services.trainer.methods.init_from import NETWORK
from services.trainer.methods.recipe import MethodRecipe
from services.trainer.models import repository
from services.trainer.recipes.offers import offered, offers
from services.trainer.runtime.adopted_run import COPY_AGAIN, UNREADABLE, AdoptedRun, read

ORGANISATION = "default"
_ATTEMPT = "adopted"


def adopt(database: Database, store: ObjectStore, folder: Path) -> list[dict[str, Any]]:
    """Take in every run of a folder; those that are there already stay as they are.

    Returns:
        ``id``, ``recipe`` and ``adopted`` (false: it was there) of each, those first that others start from.

    Raises:
        NotFound: there is no run in the folder.
        Conflict: a run has not finished, or another one of its id is there.
        CheckpointMismatch: a file is damaged or another run's, or the recipe is another one here.
        UnknownRecipe, UnknownSetting, InvalidSetting: there is no such recipe or setting here.
        UnfitStart: what a run starts from is neither in the folder nor there.
        StoreUnavailable: the store did not take something. Of the run that fails nothing is left.
    """
    found = [read(path.parent, ORGANISATION) for path in sorted(folder.glob("*/order.json"))]
    if not found:
        raise NotFound(
            f"{folder} holds no run.",
            where={"folder": str(folder)},
            suggestions=("name the folder whose folders hold an order.json each, as `dubline train alone` leaves it",),
        )
    known = {offer.name: offer for offer in offers()}
    for one in found:
        with _naming_folder(one.folder):
            _check(one, offered(one.run.recipe), known)
    taken = []
    for one in _in_order(found):
        with _naming_folder(one.folder):
            new = _take(database, store, one, known[one.run.recipe])
        taken.append({"id": one.run.id, "recipe": one.run.recipe, "adopted": new})
    return taken


def _check(one: AdoptedRun, recipe: MethodRecipe, known: Mapping[str, RecipeOffer]) -> None:
    """Refuse what is not finished, of another recipe, or damaged."""
    run, defaults = one.run, known[one.run.recipe].settings
    if not one.finished:
        raise Conflict(
            f"Run {run.id} of {run.recipe} has not finished: it is at step {run.step} of {run.steps}.",
            suggestions=("let `dubline train alone` go on where it was made, then copy the folder again",),
        )
    checked_settings(run.settings, defaults)
    before, now = run.facts.get("recipe_sha256"), recipe_sha256(defaults, run.settings)
    if before != now:
        revisions = ", ".join(run.facts.get("revisions", ())) or "the revision that made it"
        raise CheckpointMismatch(
            f"Run {run.id} was made by another recipe {run.recipe}: its recipe_sha256 is {before}, and here it is {now}.",
            where={"fact": "recipe_sha256"},
            suggestions=(f"adopt it with a checkout of {revisions}", "make the run anew"),
        )
    _check_candidate(one, recipe)


def _check_candidate(one: AdoptedRun, recipe: MethodRecipe) -> None:
    """Refuse files that are not what their manifests say, in the words of those who read them."""
    try:
        _check_files(one.candidate, one.run.id, recipe)
    except CheckpointMismatch as error:
        error.suggestions = error.suggestions or COPY_AGAIN
        raise
    except UNREADABLE as error:  # errors of weights are among them
        raise CheckpointMismatch(f"What the run made cannot be read: {error}", suggestions=COPY_AGAIN) from error


def _check_files(candidate: Path, run_id: str, recipe: MethodRecipe) -> None:
    if any(path.is_symlink() for path in (candidate, *candidate.rglob("*"))):
        raise CheckpointMismatch("There are links in what the run made; only files are taken.")
    read_network(candidate / NETWORK)
    if recipe.serves is not None:
        repository.check_candidate(candidate, recipe.serves)
    for path in sorted(candidate.rglob("model.json")):
        maker = json.loads(path.read_text())["source"]["run"]
        if maker != run_id:
            raise CheckpointMismatch(f"{path.relative_to(candidate)} is of run {maker}, not of {run_id}.")


def _in_order(found: Sequence[AdoptedRun]) -> list[AdoptedRun]:
    """Those first that others start from."""
    by_id = {one.run.id: one for one in found}
    if len(by_id) < len(found):
        raise Conflict("Two of the folders hold the same run.", where={"folders": [str(one.folder) for one in found]})
    needed = {key: [value for value in one.run.settings.values() if value in list(by_id)] for key, one in by_id.items()}
    try:
        return [by_id[key] for key in TopologicalSorter(needed).static_order()]
    except CycleError as error:
        raise UnfitStart(f"Runs start from each other: {', '.join(error.args[1])}.") from error


def _take(database: Database, store: ObjectStore, one: AdoptedRun, offer: RecipeOffer) -> bool:
    """Store a run and write its row; False where it was there already."""
    try:
        with unit_of_work(database.sessions(), _no_rings) as work:
            there = work.runs.for_adoption(one.run.id)
            if there is not None:
                _compare(store, there, one)
                return False
            _check_init_from(work, one, offer)
            work.organisations.ensure(ORGANISATION)
            if one.sample is not None and one.run.sample_key is not None:
                store.put_bytes(one.run.sample_key, one.sample.read_bytes(), "image/png")
            prefix = ids.candidate_prefix(one.run.id, _ATTEMPT)
            one.run.candidate_key = put_folder(store, one.candidate, prefix, {"run": one.run.id})
            work.runs.adopt(one.run, one.events)
    except BaseException:
        with suppress(Exception):  # what went wrong first is what must be told
            _clear(database, store, one.run.id)
        raise
    return True


def _clear(database: Database, store: ObjectStore, run_id: str) -> None:
    """Delete what lies in the store for a run that has no row."""
    with unit_of_work(database.sessions(), _no_rings) as work:
        if work.runs.for_adoption(run_id) is None:
            store.delete_prefix(ids.run_prefix(run_id))


def _compare(store: ObjectStore, there: TrainingRun, one: AdoptedRun) -> None:
    """Refuse another run under the same id."""
    run, candidate = one.run, one.candidate
    ours = {path.relative_to(candidate).as_posix(): sha256_of(path) for path in candidate.rglob("*") if path.is_file()}
    stored = json.loads(store.get_bytes(there.candidate_key))["files"] if there.candidate_key else {}
    same = ours == {name: about["sha256"] for name, about in stored.items()}
    if not same or (there.organisation_id, there.recipe, there.settings) != (run.organisation_id, run.recipe, run.settings):
        raise Conflict(
            f"There is a run {run.id} already, and it is another one or made something else.",
            where={"run": run.id},
            suggestions=("keep the one that is there, or make the run anew: it gets an id of its own",),
        )


def _check_init_from(work: UnitOfWork, one: AdoptedRun, offer: RecipeOffer) -> None:
    try:
        with_starts(work.runs, offer, one.run.settings, one.run.organisation_id)
    except UnfitStart as error:
        advice = ("put the folder of the run that it starts from beside this one, or adopt that run first",)
        raise UnfitStart(error.detail, error.where, advice) from error


@contextmanager
def _naming_folder(folder: Path) -> Iterator[None]:
    """Errors say of which folder they are."""
    try:
        yield
    except DublineError as error:
        error.where = {"folder": str(folder), **error.where}
        raise


def _no_rings(_: object) -> None:
    """Nobody waits for a run that has ended."""
