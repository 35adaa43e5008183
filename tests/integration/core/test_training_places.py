"""Places that settings of a run name: the API refuses what it can know, the trainer whatever leads out of what is opened."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from api_calls import problem
from fastapi.testclient import TestClient
from method_runs import ALONE, MODELS, SETTINGS, data_set, opened
from sqlalchemy.orm import Session, sessionmaker
from training_rows import make_run

from dubbing import ids
from dubbing.db.training_models import TrainingRun
from dubbing.db.unit_of_work import unit_of_work
from dubbing.domain.networks import NETWORKS
from dubbing.domain.training import RunState
from dubbing.errors import ObjectMissing, PlaceNotAllowed
from dubbing.queue.runner import Runner
from dubbing.settings import S3Settings
from services.api.bootstrap import Services
from services.trainer.common.site import Site
from services.trainer.footage.place import place_at
from services.trainer.methods.places import file_of, folder_of
from services.trainer.methods.recipe import OUTSIDE
from services.trainer.recipes.offers import offers

pytestmark = [pytest.mark.stack]
Start = Callable[..., Any]


@pytest.fixture
def start(services: Services, client: TestClient) -> Start:
    """Starts a run of a trainer whose operator has opened some folders."""

    def start(*places: str, **settings: str) -> Any:
        with unit_of_work(services.database.sessions(), lambda _: None) as work:
            work.runs.offer(offers(tuple(map(Path, places))))
        return client.post("/v1/training-runs", json={"recipe": "df_1_3b", "settings": settings})

    return start


@pytest.mark.parametrize("setting", OUTSIDE)
def test_the_api_refuses_what_lies_outside_by_its_name(start: Start, setting: str) -> None:
    of_networks_alone = () if setting in NETWORKS else ("served:1", "run_01")
    for named in ("/etc", "/data/../etc", "/data/sets/../../etc", "/datafile", "sets", "../data", "~/x", *of_networks_alone):
        members = problem(start("/data", "/mnt/sets", **{setting: named}), 422, "place_not_allowed")
        assert members["where"] == {"pointer": f"/settings/{setting}"}
        assert named in members["detail"]
        assert members["suggestions"][0] == "name something in /data, /mnt/sets"
        assert f"{setting}=s3://bucket/prefix" in members["suggestions"][1]


def test_the_api_takes_what_may_be_there_and_the_object_store(start: Start) -> None:
    for named in ("/data/set", "/data", "/data/other/../set", "/mnt/sets/a", "s3://bucket/set"):
        assert start("/data", "/mnt/sets", data=named, start=named).status_code == 202
    problem(start(data="/data/set"), 422, "place_not_allowed")
    assert start(data="s3://bucket/set", start="").status_code == 202
    assert start(start="served:1").status_code == 202  # it is the operator who put it there


@pytest.mark.slow
def test_the_trainer_reads_opened_folders_alone_wherever_links_and_dots_lead(
    runner: Runner, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    def trained(recipe: str, **settings: str) -> TrainingRun:
        with unit_of_work(sessions, lambda _: None) as work:
            run_id = make_run(work, recipe=recipe, settings={**SETTINGS[recipe], "steps": 1, **settings}).id
        assert runner.run_next("train")
        with sessions() as session:
            return session.get_one(TrainingRun, run_id)

    inside, outside = tmp_path / "open", data_set(tmp_path / "closed", tmp_path / "takes")
    inside.mkdir()
    (inside / "link").symlink_to(outside)
    for recipe, setting, named in (("teacher_tiny", "data", inside / ".." / "closed"), ("df_tiny", "start", outside)):
        with pytest.raises(PlaceNotAllowed) as refused:
            opened(recipe, tmp_path / "cache", {}, places=(inside,), **{setting: str(named)})
        assert refused.value.where == {"pointer": f"/settings/{setting}"}
    failed = trained("teacher_tiny", data=str(inside / "link"))
    assert failed.error is not None
    assert (failed.state, failed.error["code"], failed.step) == (RunState.FAILED, "place_not_allowed", 0)
    assert failed.error["where"] == {"pointer": "/settings/data"}
    outside.rename(inside / "set")
    done = trained("teacher_tiny", data=str(inside / "set"))
    assert (done.state, done.facts["clips"]) == (RunState.SUCCEEDED, 4), done.error


def test_networks_and_files_in_the_object_store_are_copied(s3_settings: S3Settings, tmp_path: Path) -> None:
    address = f"s3://{s3_settings.bucket}/networks/{ids.new_id('tst')}"
    place, site = place_at(address, s3_settings), Site(tmp_path, ALONE, MODELS, s3=s3_settings)
    place.put_bytes("weights", b"abc")
    assert (folder_of(site, "start", address, "weights") / "weights").read_bytes() == b"abc"
    assert file_of(site, "syncnet", f"{address}/weights").read_bytes() == b"abc"
    place.put_bytes("weights", b"abd")
    assert file_of(site, "syncnet", f"{address}/weights").read_bytes() == b"abd"
    with pytest.raises(ObjectMissing):
        folder_of(site, "start", address, "none")
