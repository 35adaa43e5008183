"""A run that learns from prepared footage in the object store, on real servers; and what a damaged shard there says."""

from pathlib import Path

import pytest
from method_runs import SETTINGS, data_set
from sqlalchemy.orm import Session, sessionmaker
from training_rows import make_run

from dubbing.db.training_models import TrainingRun
from dubbing.db.unit_of_work import unit_of_work
from dubbing.domain.training import RunState
from dubbing.ids import new_id
from dubbing.queue.runner import Runner
from dubbing.settings import S3Settings
from services.trainer.footage.place import place_at

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def test_a_teacher_learns_from_footage_in_the_store_until_a_shard_of_it_is_damaged(
    runner: Runner, sessions: sessionmaker[Session], s3_settings: S3Settings, tmp_path: Path
) -> None:
    address = f"s3://{s3_settings.bucket}/footage/{new_id('tst')}"
    place, folder = place_at(address, s3_settings), data_set(tmp_path / "set", tmp_path / "takes")
    for path in (path for path in folder.rglob("*") if path.is_file()):
        place.put_file(path.relative_to(folder).as_posix(), path)

    def trained() -> TrainingRun:
        chosen = {**SETTINGS["teacher_tiny"], "data": address, "steps": 2}
        with unit_of_work(sessions, lambda _: None) as work:
            run_id = make_run(work, recipe="teacher_tiny", settings=chosen).id
        assert runner.run_next("train")
        with sessions() as session:
            return session.get_one(TrainingRun, run_id)

    done = trained()
    assert (done.state, done.step, done.facts["clips"]) == (RunState.SUCCEEDED, 2, 4), done.error
    assert not (tmp_path / "cache" / "takes").exists()
    for index in (tmp_path / "cache").glob("footage-*.json"):
        index.unlink()  # as on another machine
    place.put_bytes("shards/1.tar", place.get_bytes("shards/1.tar")[:-2_000])
    failed = trained()
    assert failed.error is not None
    assert (failed.state, failed.error["code"]) == (RunState.FAILED, "corrupt_shard")
    assert failed.error["where"]["shard"] == "shards/1.tar"
