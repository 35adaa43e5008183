"""Losses that are no number, in launched runs: a few steps are skipped and counted, too many in a row end the run."""

from pathlib import Path

import pytest
import torch
from method_runs import MODELS, SETTINGS, render
from safetensors.torch import load_file, save_file
from sqlalchemy.orm import Session, sessionmaker
from training_rows import make_run

from dubbing.db.training_models import TrainingRun
from dubbing.db.unit_of_work import unit_of_work
from dubbing.domain.training import RunState
from dubbing.queue.runner import Runner
from dubbing.storage.s3 import S3Store
from services.trainer.common.folder_store import get_folder
from services.trainer.common.settings import changed
from services.trainer.methods.dataset import rows_of
from services.trainer.methods.encoders import load_encoders
from services.trainer.methods.folders import read_network
from services.trainer.methods.init_from import NETWORK
from services.trainer.methods.speaker_dataset import speakers
from services.trainer.recipes import load

pytestmark = [pytest.mark.stack, pytest.mark.slow]
ONE_BY_ONE = {**SETTINGS["teacher_tiny"], "batch": 1, "micro": 1, "steps": 8}  # of eight clips, so each comes once
CLIPS = 8


def trained(runner: Runner, sessions: sessionmaker[Session], **settings: object) -> TrainingRun:
    with unit_of_work(sessions, lambda _: None) as work:
        run_id = make_run(work, recipe="teacher_tiny", settings=settings).id
    assert runner.run_next("train")
    assert runner.run_next("train") is None  # it has ended, well or not, and is not tried again
    with sessions() as session:
        return session.get_one(TrainingRun, run_id)


def damage(cache: Path, take: int) -> None:
    """Prepare what a run finds in ``cache``, and spoil the target of one mouth of a take as a bad disk does."""
    recipe = changed(load("teacher_tiny"), ONE_BY_ONE)
    assert len(speakers(recipe, render(cache), load_encoders(MODELS, "tiny", 1, torch.device("cpu")))) == CLIPS
    (path,) = cache.glob("speakers-*.safetensors")
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
    tensors["target_NZThw"][take, 3, 1, 8, 8] = torch.nan
    save_file(tensors, path)


def test_steps_whose_loss_is_no_number_are_skipped_and_counted_and_the_run_goes_on(
    runner: Runner, sessions: sessionmaker[Session], store: S3Store, tmp_path: Path
) -> None:
    damage(tmp_path / "cache", take=2)
    done = trained(runner, sessions, **ONE_BY_ONE)
    assert (done.state, done.step, done.error) == (RunState.SUCCEEDED, 8, None)
    assert done.metrics is not None
    assert done.metrics["skipped"] == 2  # as heard, and with the true shapes of the mouth
    with unit_of_work(sessions, lambda _: None) as work:
        told = [event.data for event in work.runs.events_after(done.id, 0) if event.type == "run.metrics"]
    spoiled = [step for step in range(1, 9) if rows_of(step, 1, CLIPS, seed=1)[0] % (CLIPS // 2) == 2]
    assert [event["step"] for event in told if event["gradient"] is None] == spoiled
    assert [event["step"] for event in told if event["parts"]["loss"] is None] == spoiled
    assert done.candidate_key is not None
    get_folder(store, done.candidate_key, tmp_path / "made")
    left = read_network(tmp_path / "made" / NETWORK).network().state_dict()
    assert all(tensor.isfinite().all() for tensor in left.values())


def test_a_run_that_does_not_recover_ends_with_its_samples_and_with_advice(
    runner: Runner, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    render(tmp_path / "cache")
    failed = trained(runner, sessions, **{**SETTINGS["teacher_tiny"], "steps": 20, "update.lr": 1e30})
    assert failed.state == RunState.FAILED
    assert failed.error is not None
    assert failed.error["code"] == "training_diverged"
    samples = [f"clip {row}" for row in rows_of(6, 4, CLIPS, seed=1)]  # the first step was taken, and five were not
    assert failed.error["where"] == {"stage": "training", "step": 6, "samples": samples}
    assert f"5 steps up to step 6 had no finite gradient; last samples: {', '.join(samples)}." in failed.error["detail"]
    assert failed.error["suggestions"] == ["look at these samples", "start a run with a lower learning rate"]
    assert (failed.step, (failed.metrics or {})["skipped"]) == (5, 4)
