"""Runs that start from other runs: what the API refuses, what it fills in, and what reaches the processes."""

from pathlib import Path
from typing import Any

import pytest
from api_calls import UNKNOWN, authorised, problem
from fastapi.testclient import TestClient
from method_runs import SETTINGS, made, opened, render
from sqlalchemy.orm import Session, sessionmaker
from training_rows import make_run

from dubbing import ids
from dubbing.db.training_models import TrainingRun
from dubbing.db.unit_of_work import UnitOfWork, unit_of_work
from dubbing.domain.training import RunState
from dubbing.domain.work import Queue, kinds_of
from dubbing.queue.runner import Runner
from dubbing.storage.s3 import S3Store
from services.api.bootstrap import Services
from services.trainer.common.folder_store import get_folder, put_folder
from services.trainer.methods.init_from import NETWORK
from services.trainer.recipes.offers import offers

pytestmark = [pytest.mark.stack]
DONE = {"state": RunState.SUCCEEDED, "candidate_key": "training/x/manifest.json"}


@pytest.fixture
def offered(services: Services) -> Services:
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        work.runs.offer(offers())
    return services


def known(services: Services, recipe: str, **values: object) -> str:
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        return make_run(work, recipe=recipe, **(DONE | values)).id


def start(client: TestClient, recipe: str, headers: dict[str, str] | None = None, **settings: Any) -> Any:
    return client.post("/v1/training-runs", json={"recipe": recipe, "settings": settings}, headers=headers or {})


def test_a_student_starts_from_a_finished_teacher_and_its_own_students_find_that_teacher(
    offered: Services, client: TestClient
) -> None:
    teacher = known(offered, "teacher_tiny")
    student = start(client, "df_tiny", start=teacher)
    assert student.status_code == 202, student.text
    assert student.json()["settings"]["start"] == teacher
    finished = known(offered, "df_tiny", settings={"start": teacher})
    distilled = start(client, "sf_tiny", start=finished).json()
    assert distilled["settings"] == {"start": finished, "teacher": teacher}
    another = known(offered, "teacher_tiny")
    assert start(client, "sf_tiny", start=finished, teacher=another).json()["settings"]["teacher"] == another
    assert start(client, "df_tiny", start="s3://bucket/network").status_code == 202  # the trainer alone can look there


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"state": RunState.RUNNING}, "is running; only a run that succeeded"),
        ({"state": RunState.FAILED}, "is failed"),
        ({"candidate_key": None}, "has made nothing yet"),
        ({"recipe": "tiny"}, "is of recipe tiny, not teacher_tiny"),
        ({"organisation_id": "other"}, "There is no training run"),
    ],
)
def test_a_start_that_is_not_ready_is_refused_with_advice(
    offered: Services, client: TestClient, values: dict[str, object], words: str
) -> None:
    run_id = known(offered, **({"recipe": "teacher_tiny"} | values))  # type: ignore[arg-type]
    members = problem(start(client, "df_tiny", start=run_id), 422, "unfit_start")
    assert words in members["detail"]
    assert members["where"] == {"pointer": "/settings/start"}
    assert "start teacher_tiny, wait until it has succeeded, and pass start=RUN_ID" in members["suggestions"]


def test_a_start_that_is_not_named_or_unknown_is_refused(offered: Services, client: TestClient) -> None:
    members = problem(start(client, "sf_tiny"), 422, "unfit_start")
    assert "sf_tiny starts from a finished run of df_tiny" in members["detail"]
    problem(start(client, "df_tiny", start=f"run_{UNKNOWN}"), 422, "unfit_start")
    orphan = known(offered, "df_tiny")
    members = problem(start(client, "sf_tiny", start=orphan), 422, "unfit_start")
    assert members["where"] == {"pointer": "/settings/teacher"}
    teacher = known(offered, "teacher_tiny")
    other = authorised(offered, organisation_id="other")
    problem(start(client, "df_tiny", other, start=teacher), 422, "unfit_start")


def kept(work: UnitOfWork, store: S3Store, recipe: str, folder: Path, **settings: str) -> str:
    """A run that succeeded and left what ``folder`` holds."""
    key = put_folder(store, folder, ids.candidate_prefix(ids.new_id("run"), "1"), {})
    run = make_run(work, recipe=recipe, candidate_key=key, settings=settings)
    item = work.items.claim(kinds_of(Queue.TRAIN), "w", 60)
    assert item is not None
    run.state = RunState.SUCCEEDED
    work.items.complete(item, {"end": "finished", "step": 1})
    return run.id


@pytest.mark.slow
def test_a_student_is_distilled_from_what_two_runs_left_in_the_store(
    runner: Runner, store: S3Store, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    cache = render(tmp_path / "cache")
    teacher = made(opened("teacher_tiny", cache, {}), "teacher_tiny", tmp_path / "teacher", steps=1)
    student = made(opened("df_tiny", cache, {"start": teacher}), "df_tiny", tmp_path / "student", steps=1)
    with unit_of_work(sessions, lambda _: None) as work:
        first = kept(work, store, "teacher_tiny", teacher)
        second = kept(work, store, "df_tiny", student, start=first)
        settings = {**SETTINGS["sf_tiny"], "start": second, "teacher": first}
        run_id = make_run(work, recipe="sf_tiny", settings=settings).id
    assert runner.run_next("train")
    with sessions() as session:
        done = session.get_one(TrainingRun, run_id)
    assert (done.state, done.step, done.error) == (RunState.SUCCEEDED, 4, None)
    assert {"critic/loss", "student/loss", "reward/mean"} <= (done.metrics or {})["parts"].keys()
    assert done.candidate_key is not None
    get_folder(store, done.candidate_key, tmp_path / "made")
    assert {path.name for path in (tmp_path / "made").iterdir()} == {
        NETWORK, "lip_student_tiny", "face_encoder_tiny", "speech_encoder_tiny",
    }  # fmt: skip


def test_a_start_that_was_deleted_meanwhile_fails_the_run_at_once(
    runner: Runner, store: S3Store, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    (tmp_path / "left").mkdir()
    (tmp_path / "left" / "file").write_text("x")
    with unit_of_work(sessions, lambda _: None) as work:
        teacher = kept(work, store, "teacher_tiny", tmp_path / "left")
        run_id = make_run(work, recipe="df_tiny", settings={"start": teacher}).id
        key = work.runs.get(teacher, "default").candidate_key
    assert key is not None
    store.delete_prefix(key.removesuffix("manifest.json"))
    assert runner.run_next("train")
    with sessions() as session:
        failed = session.get_one(TrainingRun, run_id)
    assert failed.error is not None
    assert (failed.state, failed.error["code"]) == (RunState.FAILED, "unfit_start")
    assert failed.error["where"]["object"] == key
