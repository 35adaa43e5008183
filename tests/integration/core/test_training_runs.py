"""Whole runs on real servers: launched by torchrun, followed, stopped, resumed, killed."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import torch
from places import ROOT
from sqlalchemy.orm import Session, sessionmaker
from training_rows import make_run
from waiting import until

from dubbing import clock
from dubbing.db.engine import Database
from dubbing.db.training_models import TrainingRun
from dubbing.db.unit_of_work import unit_of_work
from dubbing.domain.training import RunState
from dubbing.errors import ChecksumMismatch, ObjectMissing
from dubbing.queue.runner import Runner
from dubbing.storage.s3 import S3Store
from services.trainer.common.folder_store import get_folder, put_folder
from services.trainer.common.group import Group
from services.trainer.common.site import Site
from services.trainer.recipes import RECIPES, load
from services.trainer.recipes.offers import open_stage
from services.trainer.runtime.outbox import Outbox
from services.trainer.service.bootstrap import register_offers

pytestmark = [pytest.mark.stack, pytest.mark.slow]
Start = Callable[..., str]


@pytest.fixture
def start(sessions: sessionmaker[Session]) -> Start:
    def start(processes: int = 1, **settings: object) -> str:
        with unit_of_work(sessions, lambda _: None) as work:
            return make_run(work, settings=settings, processes=processes).id

    return start


@pytest.fixture
def one_thread() -> Iterator[None]:
    """The trainer's processes have one thread here; a sum over another number of threads may round otherwise."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def row(sessions: sessionmaker[Session], run_id: str) -> TrainingRun:
    with sessions() as session:
        return session.get_one(TrainingRun, run_id)


def losses(sessions: sessionmaker[Session], run_id: str) -> list[dict[int, float]]:
    """Loss by step, one dict for each attempt."""
    with unit_of_work(sessions, lambda _: None) as work:
        events = work.runs.events_after(run_id, 0, 5000)
    attempts: list[dict[int, float]] = []
    for event in events:
        if event.type == "run.began":
            attempts.append({})
        elif event.type == "run.metrics":
            attempts[-1][event.data["step"]] = event.data["parts"]["loss"]
    return attempts


def when(sessions: sessionmaker[Session], run_id: str, ready: Callable[[TrainingRun], bool], do: Callable[[], None]) -> None:
    """Do it in the background as soon as the run is ready for it."""

    def wait() -> None:
        until(lambda: ready(row(sessions, run_id)), "the run was never ready", every=0.02)
        do()

    threading.Thread(target=wait, daemon=True).start()


def ranks() -> list[psutil.Process]:
    """The processes of the run, in order."""
    found = {}
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "services.trainer.runtime.rank" in process.cmdline():
                found[int(process.environ()["RANK"])] = process
    return [found[number] for number in sorted(found)]


def saved(step: int) -> Callable[[TrainingRun], bool]:
    return lambda run: bool(run.checkpoints) and run.checkpoints[0]["step"] >= step


@pytest.mark.usefixtures("one_thread")
def test_a_run_that_was_stopped_and_resumed_has_the_losses_of_one_that_was_not(
    runner: Runner, start: Start, sessions: sessionmaker[Session], store: S3Store, tmp_path: Path
) -> None:
    steps = 24
    run_id = start(steps=steps)

    def stop() -> None:
        (process,) = ranks()
        process.suspend()  # so that it has taken only a few steps when it is asked
        with unit_of_work(sessions, lambda _: None) as work:
            work.runs.stop(work.runs.lock(run_id))
        (folder,) = (tmp_path / "runs").iterdir()
        until(lambda: Outbox(folder).asked_to_stop() is not None, "nobody asked the run to stop")
        process.resume()

    when(sessions, run_id, saved(2), stop)
    assert runner.run_next("train")
    stopped = row(sessions, run_id)
    assert stopped.state == RunState.STOPPED
    assert 2 <= stopped.step < steps
    with unit_of_work(sessions, lambda _: None) as work:
        work.runs.resume(work.runs.lock(run_id), 3)
    assert runner.run_next("train")
    done = row(sessions, run_id)
    assert (done.state, done.step, done.steps) == (RunState.SUCCEEDED, steps, steps)

    before, after = losses(sessions, run_id)
    assert (min(after), max(before)) == (stopped.step + 1, stopped.step)
    (tmp_path / "cache").mkdir(exist_ok=True)
    stage = open_stage("selftest", {"steps": steps}, Site(tmp_path / "cache", Group(), ROOT / "model_repo"))
    assert {**before, **after} == {step: stage.advance().parts["loss"] for step in range(1, steps + 1)}

    assert done.facts["data"]
    assert done.facts["revisions"]
    assert len(done.checkpoints) == 2
    assert done.candidate_key
    made = get_folder(store, done.candidate_key, tmp_path / "candidate")
    assert made["run"] == run_id
    manifest = json.loads((tmp_path / "candidate" / "lip_student_tiny" / "1" / "model.json").read_text())
    origin = manifest["source"]
    assert (origin["run"], origin["recipe"]) == (run_id, "selftest")
    assert (origin["data"], origin["revisions"]) == (done.facts["data"], done.facts["revisions"])
    assert not list((tmp_path / "runs").iterdir())


def test_a_run_survives_kill_9_of_a_rank_and_repeats_its_steps_exactly(
    runner: Runner, start: Start, sessions: sessionmaker[Session], store: S3Store
) -> None:
    steps = 12
    run_id = start(processes=2, steps=steps)

    def kill() -> None:
        ranks()[1].kill()

    when(sessions, run_id, saved(3), kill)
    assert runner.run_next("train")
    interrupted = row(sessions, run_id)
    assert interrupted.state == RunState.RUNNING
    with unit_of_work(sessions, lambda _: None) as work:
        (told,) = [event for event in work.runs.events_after(run_id, 0, 5000) if event.type == "run.interrupted"]
    assert told.data["code"] == "training_interrupted"
    assert "Process 1 was killed by SIGKILL" in told.data["detail"]

    # The newest checkpoint is damaged in the store: the run goes on from the one before, and so repeats a step.
    newest, older = interrupted.checkpoints
    name = newest["manifest_key"].replace("manifest.json", "rank-0/model.safetensors")
    store.put_bytes(name, b"damaged" + store.get_bytes(name)[7:])
    assert runner.run_next("train")
    assert row(sessions, run_id).state == RunState.SUCCEEDED
    before, after = losses(sessions, run_id)
    assert (min(after), max(after)) == (older["step"] + 1, steps)
    again = before.keys() & after.keys()
    assert again
    assert {step: before[step] for step in again} == {step: after[step] for step in again}


def test_a_recipe_without_its_gpu_fails_at_once_and_says_so(
    runner: Runner, start: Start, sessions: sessionmaker[Session]
) -> None:
    run_id = start(processes=torch.cuda.device_count() + 1, accelerator=True)
    assert runner.run_next("train")
    failed = row(sessions, run_id)
    assert failed.state == RunState.FAILED
    assert failed.error is not None
    assert failed.error["code"] == "accelerator_missing"
    assert runner.run_next("train") is None


def test_a_run_whose_every_checkpoint_is_gone_does_not_start_over_in_silence(
    runner: Runner, sessions: sessionmaker[Session]
) -> None:
    with unit_of_work(sessions, lambda _: None) as work:
        gone = [{"step": 7, "manifest_key": "training/run_x/checkpoints/7/manifest.json"}]
        run_id = make_run(work, checkpoints=gone).id
    assert runner.run_next("train")
    failed = row(sessions, run_id)
    assert failed.error is not None
    assert failed.error["code"] == "checkpoint_mismatch"
    assert "steps 7" in failed.error["detail"]


def test_a_folder_without_its_manifest_is_none_and_a_changed_file_is_refused(store: S3Store, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "weights").write_bytes(b"abc")
    prefix = f"training/test-{clock.now().timestamp()}/"
    with pytest.raises(ObjectMissing):
        get_folder(store, f"{prefix}manifest.json", tmp_path / "none")
    key = put_folder(store, folder, prefix, {"step": 1})
    assert get_folder(store, key, tmp_path / "copy")["step"] == 1
    assert (tmp_path / "copy" / "inner" / "weights").read_bytes() == b"abc"
    store.put_bytes(f"{prefix}inner/weights", b"abd")
    with pytest.raises(ChecksumMismatch):
        get_folder(store, key, tmp_path / "again")


def test_a_trainer_that_starts_says_what_it_offers(database: Database, sessions: sessionmaker[Session]) -> None:
    register_offers(database)
    with unit_of_work(sessions, lambda _: None) as work:
        assert {offer.name for offer in work.runs.offers()} == set(RECIPES)
        assert work.runs.recipe("selftest").settings["steps"] == load("selftest").steps
