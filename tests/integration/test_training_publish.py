"""From a run's candidate to a served version on a real Triton server: the gate, the golden clip, both versions side by side."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from held_out_footage import held_out
from places import LANDMARKER
from shrunken_models import CONTRACT, PRESET, write_encoders, write_student
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tritonclient import grpc

from dubbing import ids
from dubbing.db.engine import Database
from dubbing.db.training_models import ModelRelease, TrainingRun
from dubbing.db.unit_of_work import unit_of_work
from dubbing.domain.jobs import Models
from dubbing.domain.training import LegEnd, ReleaseState, RunState
from dubbing.domain.work import Queue, TrainResult, kinds_of
from dubbing.errors import GoldenCheckFailed, ModelUnavailable
from dubbing.inference.triton import TritonEngine
from dubbing.queue.runner import Handlers, Runner
from dubbing.settings import DatabaseSettings, QueueSettings, S3Settings, TrainerSettings, TritonSettings
from dubbing.storage.s3 import S3Store
from lipforcing.weights.folder import load_tensors, read_manifest, write_folder
from services.stack import bootstrap
from services.stack.bootstrap import triton_settings
from services.stack.home import CHECKOUT, home_at
from services.stack.local import LocalStack
from services.trainer.common.folder_store import put_folder
from services.trainer.common.group import Group
from services.trainer.common.site import Site
from services.trainer.models.repository import folders_of, load, models_of
from services.trainer.recipes.offers import open_stage
from services.trainer.release.golden import agreement, generated_by
from services.trainer.release.publisher import Places, Publisher

pytestmark = [pytest.mark.stack, pytest.mark.slow]
MODELS = models_of("tiny")
NOBODY = TritonSettings(url="127.0.0.1:9")  # where no server listens


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed demonstration model, in a folder that may be written to."""
    folder = tmp_path_factory.mktemp("models")
    for model in MODELS:
        shutil.copytree(CHECKOUT / "model_repo" / model, folder / model)
    config = folder / MODELS[0] / "config.pbtxt"
    config.write_text(config.read_text().replace("count: 2", "count: 1"))  # every version that is loaded is a process
    return folder


@pytest.fixture(scope="module")
def env(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    settings = {"DUBLINE_MODEL_REPO": str(repository)}
    stack = LocalStack(home_at(tmp_path_factory.mktemp("publish")), settings, owner=os.getpid())
    try:
        stack.start(["postgres", "s3", "triton"])
        found = stack.env()
        bootstrap.migrate(found)
        bootstrap.admit_roles(found)
        yield found
    finally:
        stack.destroy()


class Shop(NamedTuple):
    """Everything that publishing touches."""

    database: Database
    store: S3Store
    repository: Path
    triton: TritonSettings
    s3: S3Settings

    def finished_run(self, folder: Path) -> str:
        """A run that succeeded and made what ``folder`` holds."""
        with unit_of_work(self.database.sessions(), lambda _: None) as work:
            work.organisations.ensure("default")
            run = TrainingRun(
                id=ids.new_id("run"), organisation_id="default", recipe="selftest", settings={}, processes=1,
                state=RunState.QUEUED, step=1, steps=1, leg=0, checkpoints=[], facts={},
            )  # fmt: skip
            run.candidate_key = put_folder(self.store, folder, ids.candidate_prefix(run.id, "1"), {"run": run.id})
            work.runs.add(run, 1)
            item = work.items.claim(kinds_of(Queue.TRAIN), "w", 60)
            assert item is not None
            work.items.complete(item, TrainResult(end=LegEnd.FINISHED, step=1).model_dump(mode="json"))
            work.runs.settle(item.id, 1)
            return run.id

    def publish(
        self, folder: Path, scratch: Path, triton: TritonSettings | None = None, preset: str = "tiny", **gate: Any
    ) -> ModelRelease:  # fmt: skip
        """Publish what ``folder`` holds, to its end."""
        with unit_of_work(self.database.sessions(), lambda _: None) as work:
            release, _ = work.releases.publish(work.runs.lock(self.finished_run(folder)), preset, 1.0, 1)
        settings = TrainerSettings(scratch=scratch / "scratch", **{"gate_clips": 1, "gate_frames": 21, **gate})
        places = Places(self.repository, triton or self.triton, LANDMARKER, self.s3)
        handlers = Handlers()
        handlers.add("publish", Publisher(self.database, self.store, settings, places))
        assert Runner(self.database, lambda _: None, handlers, QueueSettings(max_attempts=1, max_outages=0)).run_next("publish")
        with self.database.sessions()() as session:
            return session.get_one(ModelRelease, release.id)

    def chosen(self) -> Models | None:
        """What a new job would get."""
        with unit_of_work(self.database.sessions(), lambda _: None) as work:
            return work.releases.choose("tiny", 0)

    def copied(self, folder: Path) -> Path:
        """A candidate that equals version 1."""
        for model in MODELS:
            shutil.copytree(self.repository / model / "1", folder / model / "1")
        return folder

    def without_encoders(self, folder: Path) -> Path:
        """The same as the big students' candidates are, whose encoders are never trained: it names those of version 1."""
        student, *encoders = MODELS
        shutil.copytree(self.repository / student / "1", folder / student / "1")
        served = {model: json.loads((self.repository / model / "1" / "model.json").read_text()) for model in encoders}
        path = folder / student / "1" / "model.json"
        manifest = json.loads(path.read_text())
        manifest["source"]["encoders"] = {model: about["digest"] for model, about in served.items()}
        path.write_text(json.dumps(manifest))
        return folder

    @contextmanager
    def nothing_served(self, aside: Path) -> Iterator[None]:
        """As before the first version: meanwhile those of the repository lie in ``aside``; the server holds none afterwards."""
        folders = [folder for model in MODELS for folder in (self.repository / model).iterdir() if folder.is_dir()]
        for folder in folders:
            shutil.move(folder, aside / folder.parent.name / folder.name)
        try:
            yield
        finally:
            for folder in folders:
                shutil.move(aside / folder.parent.name / folder.name, folder)

    def versions(self) -> set[str]:
        """The student's folders."""
        return {path.name for path in (self.repository / MODELS[0]).iterdir() if path.is_dir()}


@pytest.fixture(scope="module")
def shop(env: dict[str, str], repository: Path) -> Iterator[Shop]:
    settings = S3Settings(
        endpoint=env["DUBLINE_S3_ENDPOINT"],
        access_key=env["DUBLINE_S3_ACCESS_KEY"],
        secret_key=env["DUBLINE_S3_SECRET_KEY"],
        bucket=env["DUBLINE_S3_BUCKET"],
    )
    database = Database(DatabaseSettings(url=env["DUBLINE_DATABASE_URL"]))
    S3Store(settings).ensure_bucket()
    yield Shop(database, S3Store(settings), repository, triton_settings(env), settings)
    database.close()


def test_a_worse_candidate_is_refused_with_every_figure_and_changes_nothing(shop: Shop, tmp_path: Path) -> None:
    stage = open_stage("selftest", {"steps": 1}, Site(tmp_path, Group(), CHECKOUT / "model_repo"))
    stage.export(tmp_path / "worse", {"run": "test"})
    release = shop.publish(tmp_path / "worse", tmp_path)
    assert release.state == ReleaseState.REJECTED, release.error
    assert release.error is not None
    assert release.error["code"] == "gate_failed"
    figures = {figure["name"]: figure for figure in release.figures}
    assert not figures["mouth_error"]["passed"]
    assert figures["mouth_error"]["candidate"] > figures["mouth_error"]["incumbent"]
    curves = EventAccumulator(str(tmp_path / "scratch" / "tensorboard" / release.run_id))
    assert curves.Reload().Scalars("gate/mouth_error")[0].value == pytest.approx(figures["mouth_error"]["candidate"])
    assert shop.versions() == {"1"}
    adopted = shop.chosen()
    assert adopted is not None
    assert adopted.student.version == 1


def test_an_equal_candidate_is_served_beside_the_old_version_with_the_encoders_it_learned_with_and_taken_back_at_once(
    shop: Shop, tmp_path: Path
) -> None:
    load(shop.triton, "tiny", 1)  # nothing to do, unless a test before it has left none in the server's memory
    before = TritonEngine(shop.triton.url, "tiny", 1)
    first, digests = generated_by(before)
    release = shop.publish(shop.without_encoders(tmp_path / "equal"), tmp_path)
    assert (release.state, release.version) == (ReleaseState.ACTIVE, 2), release.error
    served = shop.chosen()
    assert served is not None
    assert {pin.version for pin in (served.student, served.face_encoder, served.speech_encoder)} == {2}
    for model in MODELS[1:]:
        one, other = (shop.repository / model / version / "model.safetensors" for version in ("1", "2"))
        assert one.samefile(other)
    manifest: dict[str, Any] = json.loads((shop.repository / MODELS[0] / "2" / "model.json").read_text())
    assert manifest["version"] == 2
    assert manifest["metrics"]["clips"] == 1
    with shop.database.sessions()() as session:
        assert session.get_one(TrainingRun, release.run_id).version == 2

    again, _ = generated_by(before)  # a job that was submitted before keeps its version
    assert np.array_equal(first, again)
    newer, newer_digests = generated_by(TritonEngine(shop.triton.url, "tiny", 2))
    assert newer_digests == digests == {served.student.digest}
    assert np.array_equal(first, newer)
    with unit_of_work(shop.database.sessions(), lambda _: None) as work:
        assert work.releases.roll_back("tiny").version == 1
    back = shop.chosen()
    assert back is not None
    assert back.student.version == 1


def test_without_the_server_nothing_is_measured_or_published(shop: Shop, tmp_path: Path) -> None:
    known = shop.versions()
    release = shop.publish(shop.copied(tmp_path / "equal"), tmp_path, triton=NOBODY)
    assert (release.state, release.metrics) == (ReleaseState.FAILED, None)
    assert release.error is not None
    assert release.error["code"] == "model_unavailable"
    assert shop.versions() == known


def test_a_server_that_goes_away_after_the_measurement_leaves_no_version(shop: Shop, tmp_path: Path) -> None:
    known, settings = shop.versions(), TrainerSettings(scratch=tmp_path)
    publisher = Publisher(shop.database, shop.store, settings, Places(shop.repository, NOBODY, LANDMARKER, shop.s3))
    folders = folders_of(shop.copied(tmp_path / "equal"), shop.repository, "tiny")
    with pytest.raises(ModelUnavailable):
        publisher._serve(folders, "tiny", 9, {"version": 9})
    assert shop.versions() == known


def test_a_candidate_that_is_not_what_its_manifest_says_is_refused(shop: Shop, tmp_path: Path) -> None:
    known, strange = shop.versions(), shop.copied(tmp_path / "strange")
    weights = strange / MODELS[2] / "1" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    release = shop.publish(strange, tmp_path)
    assert release.state == ReleaseState.FAILED
    assert release.error is not None
    assert release.error["code"] == "checkpoint_mismatch"
    assert shop.versions() == known


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return held_out(tmp_path_factory.mktemp("footage") / "set", crop=512)


def test_a_big_candidate_whose_encoders_are_not_served_is_refused_before_it_is_measured(
    shop: Shop, footage: Path, tmp_path: Path
) -> None:
    write_student(tmp_path / "big", {"run": "test", "encoders": {CONTRACT.face_encoder: "f", CONTRACT.speech_encoder: "s"}})
    release = shop.publish(tmp_path / "big", tmp_path, preset=PRESET, gate_data=str(footage), gate_clips=4)
    assert release.state == ReleaseState.FAILED
    assert release.error is not None
    assert release.error["code"] == "checkpoint_mismatch"
    assert release.error["where"] == {"model": CONTRACT.face_encoder, "digest": "f"}
    assert not (shop.repository / CONTRACT.student).exists()


def test_what_the_operator_owes_a_big_candidate_is_told_by_a_code(shop: Shop, tmp_path: Path) -> None:
    write_student(tmp_path / "big", {"run": "test"})
    lonely = held_out(tmp_path / "lonely", clips=1, crop=512)
    for gate, code in (({}, "gate_data_missing"), ({"gate_data": str(lonely), "gate_clips": 4}, "bad_dataset")):
        release = shop.publish(tmp_path / "big", tmp_path, preset=PRESET, **gate)
        assert release.state == ReleaseState.FAILED
        assert release.error is not None
        assert release.error["code"] == code
        assert release.error["where"]["setting"] == "DUBLINE_TRAINER_GATE_DATA"


def test_a_damaged_big_candidate_is_refused(shop: Shop, footage: Path, tmp_path: Path) -> None:
    folder = write_student(tmp_path / "big", {"run": "test", "encoders": write_encoders(tmp_path / "encoders")})
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    release = shop.publish(tmp_path / "big", tmp_path, preset=PRESET, gate_data=str(footage), gate_clips=4)
    assert release.error is not None
    assert (release.state, release.error["code"]) == (ReleaseState.FAILED, "checkpoint_mismatch")


def test_what_serves_of_a_preset_that_shares_encoders_is_written_down_before_a_new_version_lies_beside_it(
    shop: Shop, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    write_student(models, {"encoders": write_encoders(models)})
    places = Places(models, shop.triton, LANDMARKER, shop.s3)
    publisher = Publisher(shop.database, shop.store, TrainerSettings(scratch=tmp_path), places)
    publisher._write_down_others("14b")
    write_encoders(models, 2)  # as a version of 14b that is only being checked
    with unit_of_work(shop.database.sessions(), lambda _: None) as work:
        chosen = work.releases.choose(PRESET, 0)
        assert work.releases.choose("14b", 0) is None  # of which nothing is served
    assert chosen is not None
    assert (chosen.face_encoder.version, chosen.speech_encoder.version) == (1, 1)


def test_weights_that_were_exchanged_since_they_were_written_down_are_measured_and_served_as_they_are_now(
    shop: Shop, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    student = write_student(models, {"encoders": write_encoders(models)})
    publisher = Publisher(
        shop.database, shop.store, TrainerSettings(scratch=tmp_path), Places(models, shop.triton, LANDMARKER, shop.s3)
    )
    written = publisher._written_down(PRESET)
    assert written is not None
    publisher._note(written.id, metrics={"r_open": 0.9})
    manifest = student / "model.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "digest": "f" * 64}))
    found = publisher._written_down(PRESET)
    assert found is not None
    assert (found.id, found.metrics, (found.models or {})["student"]["digest"]) == (written.id, None, "f" * 64)


def test_pictures_of_other_weights_do_not_agree() -> None:
    light, dark = np.full((9, 4, 4, 3), 200, np.uint8), np.full((9, 4, 4, 3), 20, np.uint8)
    assert agreement(light, light, {"a"}, "a") == ({"mean_difference": 0.0, "largest_difference": 0}, None)
    assert agreement(light, dark, {"a"}, "a")[1] == "The server's frames are not those of the weights."
    assert "weights b, not a" in (agreement(light, light, {"b"}, "a")[1] or "")
    assert "shape" in (agreement(light, dark[:5], {"a"}, "a")[1] or "")


def test_a_candidate_that_the_server_makes_no_golden_clip_with_is_refused_in_words_and_taken_away(
    shop: Shop, tmp_path: Path
) -> None:
    settings = TrainerSettings(scratch=tmp_path)
    broken = shop.copied(tmp_path / "broken")
    folder = broken / MODELS[0] / "1"
    tensors = load_tensors(folder)
    tensors["network.head.head.weight"].fill_(1e38)
    write_folder(folder, tensors, read_manifest(folder))
    publisher = Publisher(shop.database, shop.store, settings, Places(shop.repository, shop.triton, LANDMARKER, shop.s3))
    with shop.nothing_served(tmp_path / "aside"):
        with pytest.raises(GoldenCheckFailed, match="block 0 of chunk 0 is not finite"):
            publisher._serve(folders_of(broken, shop.repository, "tiny"), "tiny", 8, {"version": 8})
        assert not shop.versions()
        with grpc.InferenceServerClient(shop.triton.url) as client:
            assert not any(client.is_model_ready(model) for model in MODELS)  # not in its memory either
