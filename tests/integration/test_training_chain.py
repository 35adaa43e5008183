"""``dubline train make``: teacher, Stage 1 and Stage 2 by one command, through API, database, object store and torchrun."""

import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from in_process import dubline
from method_runs import SIZES, render

from dubbing.db.engine import Database
from dubbing.db.unit_of_work import unit_of_work
from dubbing.domain.training import RecipeOffer
from dubbing.settings import DatabaseSettings
from dubline_client.api.training import list_recipes, list_runs
from services.cli.client import Client
from services.stack.home import home_at
from services.stack.local import LocalStack
from services.trainer.recipes import load

pytestmark = [pytest.mark.stack, pytest.mark.slow]
NETWORKS = ("network", "teaching.network", "critic")
SHRUNKEN: dict[str, Any] = {
    "steps": 2, "takes": 2, "latents": 3, "batch": 4, "micro": 2, "rng_group": 4, "update.warm_up": 0,
    "stage.student_update_freq": 2, "teaching.steps": 4, "sync.plan.steps": 2, "sync.plan.batch": 4,
    **{f"{network}.{name}": value for network in NETWORKS for name, value in SIZES.items()},
}  # fmt: skip
Make = Callable[..., subprocess.CompletedProcess[str]]


def offer_of_a_version_before(url: str) -> None:
    """What another version of this trainer has left in the database."""
    database = Database(DatabaseSettings(url=url))
    with unit_of_work(database.sessions(), lambda _: None) as work:
        work.runs.offer([RecipeOffer(name="sf_tiny", summary="Of a version before.", settings={"steps": 1})])
    database.close()


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    scratch = tmp_path_factory.mktemp("scratch")
    render(scratch / "cache")
    stack = LocalStack(home_at(tmp_path_factory.mktemp("chain")), {"DUBLINE_TRAINER_SCRATCH": str(scratch)}, owner=os.getpid())
    try:
        stack.start(["api"])
        found = stack.env()
        offer_of_a_version_before(found["DUBLINE_DATABASE_URL"])
        stack.start(["worker-train"])
        yield found
    finally:
        stack.destroy()


@pytest.fixture(scope="module")
def make(env: dict[str, str]) -> Make:
    def make(*arguments: str) -> subprocess.CompletedProcess[str]:
        settings = [word for name, value in SHRUNKEN.items() for word in ("--set", f"{name}={value}")]
        return dubline({**os.environ, **env}, "train", "make", *arguments, *settings)

    return make


def client(env: dict[str, str]) -> Client:
    return Client(env["DUBLINE_API_URL"], env["DUBLINE_API_KEY"])


def recipes(env: dict[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client(env).read(list_recipes.sync_detailed).members["items"]
    return found


def runs(env: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    found = client(env).read(list_runs.sync_detailed).members["items"]
    return {name: [run for run in found if run["recipe"] == name] for name in ("teacher_tiny", "df_tiny", "sf_tiny")}


def test_a_trainer_that_is_up_offers_its_own_recipes_and_none_of_a_version_before(env: dict[str, str]) -> None:
    (offer,) = [one for one in recipes(env) if one["name"] == "sf_tiny"]
    assert offer["settings"]["steps"] == load("sf_tiny").steps


def test_one_command_makes_teacher_stage_1_and_stage_2_of_each_other_and_once(env: dict[str, str], make: Make) -> None:
    done = make("sf_tiny")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "teacher_tiny -> df_tiny -> sf_tiny" in done.stdout
    assert "encoding clips  2 of 2" in done.stdout
    assert "training SyncNet  2 of 2" in done.stdout
    (teacher,), (student,), (distilled,) = runs(env).values()
    assert [run["status"] for run in (teacher, student, distilled)] == ["succeeded"] * 3
    assert student["settings"]["start"] == teacher["id"]
    assert distilled["settings"]["start"] == student["id"]
    assert distilled["settings"]["teacher"] == teacher["id"]
    again = make("sf_tiny")
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout.count("found") == 3
    assert f"sf_tiny succeeded: {distilled['id']}" in again.stdout
    assert [len(found) for found in runs(env).values()] == [1, 1, 1]


def test_a_setting_that_no_recipe_of_the_chain_has_is_refused_before_anything_runs(env: dict[str, str], make: Make) -> None:
    before = {name: len(found) for name, found in runs(env).items()}
    done = make("df_tiny", "--set", "stepz=3")
    assert done.returncode == 2
    assert "invalid_setting" in done.stderr
    assert "teacher_tiny, df_tiny has a setting 'stepz'" in done.stderr
    assert {name: len(found) for name, found in runs(env).items()} == before


def test_a_recipe_that_is_not_offered_is_refused_with_those_that_are(make: Make) -> None:
    done = make("sf_huge")
    assert done.returncode == 2
    assert "teacher_tiny" in done.stderr
