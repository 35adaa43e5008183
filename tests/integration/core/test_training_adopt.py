"""Runs that were made without the platform come home: rows like any other, whole or not at all, and once."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from method_runs import ALONE, MODELS, SETTINGS, render
from sqlalchemy.orm import Session, sessionmaker
from typer.testing import CliRunner

from dubbing import ids
from dubbing.db.engine import Database
from dubbing.db.training_models import TrainingRun
from dubbing.db.unit_of_work import unit_of_work
from dubbing.domain.training import RunState
from dubbing.errors import (
    CheckpointMismatch,
    Conflict,
    DublineError,
    NotFound,
    StoreUnavailable,
    UnfitStart,
    UnknownRecipe,
    UnknownSetting,
)
from dubbing.settings import S3Settings
from dubbing.storage.s3 import S3Store
from dubbing.storage.store import StoredObject
from services.cli import train_commands
from services.stack.errors import StackError
from services.stack.local import LocalStack
from services.trainer.common.folder_store import get_folder
from services.trainer.models.repository import check_candidate
from services.trainer.recipes.offers import offers
from services.trainer.runtime.adopt import adopt
from services.trainer.runtime.outbox import Order, Outbox
from services.trainer.runtime.rank import Rank

pytestmark = pytest.mark.stack
RUN = ids.new_id("run")
WEIGHTS = "selftest/candidate/lip_student_tiny/1/model.safetensors"
Bring = Callable[[Path], list[dict[str, Any]]]
Change = Callable[[Path], None]


def make(folder: Path, run_id: str, recipe: str, settings: dict[str, Any], **order: Any) -> Path:
    """A run as a machine without the platform leaves it."""
    folder.mkdir(parents=True)
    outbox = Outbox(folder)
    outbox.give_order(
        Order(run_id=run_id, recipe=recipe, settings=settings, models=MODELS, metrics_every=0, sample_every=0, **order)
    )
    Rank(outbox, outbox.order(), ALONE).run()
    return folder


def rewrite(path: Path, change: Callable[[int, dict[str, Any]], dict[str, Any] | None]) -> None:
    """Change the lines of a file of JSON objects, or leave some out."""
    changed = [change(number, json.loads(line)) for number, line in enumerate(path.read_text().splitlines())]
    path.write_text("".join(json.dumps(line) + "\n" for line in changed if line is not None))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two steps of the self-test, made on another machine on New Year's Day; it was cut off once, after its first step."""
    home = tmp_path_factory.mktemp("alone")
    events = make(home / "selftest", RUN, "selftest", {"steps": 2}, cache=home) / "events.jsonl"
    # What it learns lay there already, from a run before it.
    lines = [line for line in events.read_text().splitlines(keepends=True) if '"preparing"' not in line]
    events.write_text("".join([*lines[:2], *lines]))
    about = {"machine": "one H100", "processes": 2}

    def elsewhere(number: int, event: dict[str, Any]) -> dict[str, Any]:
        moved = {"path": f"/rented/selftest/{Path(event['path']).name}"} if "path" in event else {}
        return {**event, **moved, **(about if event["kind"] == "began" else {}), "at": f"2026-01-01T00:00:{number:02d}+00:00"}

    rewrite(events, elsewhere)
    return home


@pytest.fixture
def home(made: Path, store: S3Store, tmp_path: Path) -> Path:
    store.delete_prefix(ids.run_prefix(RUN))
    return shutil.copytree(made, tmp_path / "home")


@pytest.fixture
def bring(database: Database, store: S3Store) -> Bring:
    return lambda folder: adopt(database, store, folder)


def row(sessions: sessionmaker[Session], run_id: str) -> TrainingRun | None:
    with sessions() as session:
        return session.get(TrainingRun, run_id)


def test_a_run_that_was_made_elsewhere_is_listed_watched_and_published_like_any_other(
    bring: Bring, home: Path, client: TestClient, sessions: sessionmaker[Session], store: S3Store
) -> None:
    assert bring(home) == [{"id": RUN, "recipe": "selftest", "adopted": True}]
    (listed,) = client.get("/v1/training-runs").json()["items"]
    assert (listed["id"], listed["status"], listed["step"], listed["steps"]) == (RUN, "succeeded", 2, 2)
    assert (listed["settings"], listed["processes"]) == ({"steps": 2}, 2)
    assert (listed["facts"]["adopted"], listed["facts"]["made_on"]) == (True, "one H100")
    assert {"recipe_sha256", "data", "revisions"} <= listed["facts"].keys()
    assert listed["created_at"] == listed["started_at"] == "2026-01-01T00:00:00Z"
    assert listed["created_at"] < listed["finished_at"] < "2026-01-01T00:01:00Z"

    stream = client.get(f"/v1/training-runs/{RUN}/events").text.splitlines()
    kinds = [line.removeprefix("event: ") for line in stream if line.startswith("event: ")]
    told = [json.loads(line.removeprefix("data: ")) for line in stream if line.startswith("data: ")]
    assert (kinds[0], kinds[-1]) == ("run.began", "run.succeeded")
    assert told[0] == {"step": 0, "attempt": 1, "at": "2026-01-01T00:00:00+00:00"}
    metrics = [data for kind, data in zip(kinds, told, strict=True) if kind == "run.metrics"]
    assert [data["step"] for data in metrics] == [1, 1, 2]
    assert [data["attempt"] for kind, data in zip(kinds, told, strict=True) if kind == "run.began"] == [1, 2]
    assert {name: metrics[-1][name] for name in listed["metrics"]} == listed["metrics"]
    assert not [data for data in told if {"machine", "processes", "kind", "path"} & data.keys()]

    (sheet,) = store.list_keys(f"{ids.run_prefix(RUN)}samples/")
    assert store.get_bytes(sheet) == (home / "selftest" / "sample-000000002.png").read_bytes()
    manifest = get_folder(store, f"{ids.candidate_prefix(RUN, 'adopted')}manifest.json", home / "stored")
    assert manifest["run"] == RUN
    check_candidate(home / "stored", "tiny")
    with unit_of_work(sessions, lambda _: None) as work:
        work.runs.offer(offers())
    published = client.post(f"/v1/training-runs/{RUN}/publish", json={})
    assert (published.status_code, published.json()["status"]) == (202, "checking"), published.text


def test_bringing_it_again_changes_nothing_and_another_run_of_its_id_is_refused(
    bring: Bring, home: Path, sessions: sessionmaker[Session], store: S3Store
) -> None:
    bring(home)
    with unit_of_work(sessions, lambda _: None) as work:
        before = [event.id for event in work.runs.events_after(RUN, 0)]
    keys = list(store.list_keys(ids.run_prefix(RUN)))
    assert bring(home) == [{"id": RUN, "recipe": "selftest", "adopted": False}]
    manifest = home / "selftest/candidate/face_encoder_tiny/1/model.json"
    manifest.write_text(manifest.read_text() + "\n")
    with pytest.raises(Conflict, match="There is a run"):
        bring(home)
    with unit_of_work(sessions, lambda _: None) as work:
        assert [event.id for event in work.runs.events_after(RUN, 0)] == before
    assert list(store.list_keys(ids.run_prefix(RUN))) == keys


def in_events(change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Change:
    return lambda home: rewrite(home / "selftest" / "events.jsonl", lambda _, event: change(event))


def in_order(**changes: Any) -> Change:
    return lambda home: rewrite(home / "selftest" / "order.json", lambda _, order: {**order, **changes})


def without_its_end(event: dict[str, Any]) -> dict[str, Any] | None:
    return None if event["kind"] == "end" else event


def stopped(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "end": "stopped"} if event["kind"] == "end" else event


def of_an_older_recipe(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "facts": {**event["facts"], "recipe_sha256": "old"}} if event["kind"] == "began" else event


def change_a_byte(home: Path) -> None:
    weights = home / WEIGHTS
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)


def link_outside(home: Path) -> None:
    (home / "selftest/candidate/passwords").symlink_to("/etc/passwd")


def lose_a_model(home: Path) -> None:
    shutil.rmtree(home / "selftest/candidate/lip_student_tiny")


def damage_the_events(home: Path) -> None:
    (home / "selftest/events.jsonl").write_text('{"kind": "began\n')


FAULTS: dict[str, tuple[Change, type[DublineError], str]] = {
    "cut off": (in_events(without_its_end), Conflict, "has not finished: it is at step 2 of 2"),
    "stopped": (in_events(stopped), Conflict, "has not finished"),
    "recipe has changed": (
        in_events(of_an_older_recipe),
        CheckpointMismatch,
        "another recipe selftest: its recipe_sha256 is old",
    ),
    "recipe unknown": (in_order(recipe="sf_huge"), UnknownRecipe, "no recipe 'sf_huge'"),
    "other settings": (in_order(settings={"steps": 3}), CheckpointMismatch, "made by another recipe"),
    "setting unknown": (in_order(settings={"stepz": 2}), UnknownSetting, "no setting 'stepz'"),
    "no id": (in_order(run_id="run_../../jobs"), CheckpointMismatch, "is no id of a run"),
    "another id": (in_order(run_id=ids.new_id("run")), CheckpointMismatch, f"is of run {RUN}, not of"),
    "byte changed": (change_a_byte, CheckpointMismatch, "its manifest says"),
    "model missing": (lose_a_model, CheckpointMismatch, "lip_student_tiny cannot be read"),
    "link": (link_outside, CheckpointMismatch, "There are links"),
    "events damaged": (damage_the_events, CheckpointMismatch, "cannot be read: JSONDecodeError"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_unfinished_damaged_or_of_another_recipe_is_refused_by_its_folder(
    bring: Bring, home: Path, sessions: sessionmaker[Session], store: S3Store, fault: str
) -> None:
    change, kind, words = FAULTS[fault]
    change(home)
    with pytest.raises(kind) as raised:
        bring(home)
    assert words in raised.value.detail
    assert raised.value.where["folder"] == str(home / "selftest")
    assert raised.value.suggestions
    assert row(sessions, RUN) is None
    assert not list(store.list_keys(ids.run_prefix(RUN)))


def test_a_folder_without_runs_is_refused(bring: Bring, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="holds no run"):
        bring(tmp_path)


def test_an_error_in_the_middle_leaves_nothing_and_the_next_try_succeeds(
    database: Database, store: S3Store, sessions: sessionmaker[Session], home: Path, s3_settings: S3Settings
) -> None:
    class Torn(S3Store):
        def put_file(self, key: str, path: Path) -> StoredObject:
            if "speech" in key:
                raise StoreUnavailable("The store is gone.")
            return super().put_file(key, path)

    with pytest.raises(StoreUnavailable):
        adopt(database, Torn(s3_settings), home)
    assert row(sessions, RUN) is None
    assert not list(store.list_keys(ids.run_prefix(RUN)))
    assert adopt(database, store, home)[0]["adopted"]


def test_while_one_process_adopts_a_run_another_is_told_to_wait_and_deletes_nothing(
    bring: Bring, home: Path, sessions: sessionmaker[Session], store: S3Store
) -> None:
    key = ids.sample_key(RUN, 1)
    with unit_of_work(sessions, lambda _: None) as work:
        assert work.runs.for_adoption(RUN) is None
        store.put_bytes(key, b"of the first")
        with pytest.raises(Conflict, match="being adopted by another process"):
            bring(home)
    assert store.get_bytes(key) == b"of the first"
    assert bring(home)[0]["adopted"]


@pytest.mark.slow
def test_a_chain_comes_home_in_order_and_its_runs_can_be_started_from(
    bring: Bring, client: TestClient, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    cache, home = render(tmp_path / "cache"), tmp_path / "home"
    first, second = ids.new_id("run"), ids.new_id("run")
    settings = {name: {**SETTINGS[name], "steps": 1} for name in ("teacher_tiny", "df_tiny")}
    teacher = make(home / "teacher_tiny", first, "teacher_tiny", settings["teacher_tiny"], cache=cache)
    starts = {"start": teacher / "candidate"}
    make(home / "df_tiny", second, "df_tiny", {**settings["df_tiny"], "start": first}, cache=cache, init_from=starts)

    alone = tmp_path / "alone"
    shutil.copytree(home / "df_tiny", alone / "df_tiny")
    with pytest.raises(UnfitStart, match="There is no training run") as raised:
        bring(alone)
    assert "put the folder of the run that it starts from beside this one" in raised.value.suggestions[0]
    assert row(sessions, second) is None

    assert [(run["recipe"], run["adopted"]) for run in bring(home)] == [("teacher_tiny", True), ("df_tiny", True)]
    with unit_of_work(sessions, lambda _: None) as work:
        work.runs.offer(offers())
    made = client.post("/v1/training-runs", json={"recipe": "sf_tiny", "settings": {"start": second}})
    assert made.status_code == 202, made.text
    assert made.json()["settings"] == {"start": second, "teacher": first}

    weights = home / "teacher_tiny/candidate/network/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(CheckpointMismatch, match="sha256"):
        bring(home)


@pytest.mark.slow
@pytest.mark.usefixtures("database", "store")
def test_the_command_finds_the_local_stack_by_itself(
    home: Path, stack: LocalStack, sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DUBLINE_HOME", str(stack.home.root))
    done = CliRunner().invoke(train_commands.app, ["adopt", str(home)])
    assert done.stdout.split() == [RUN, "selftest", "adopted"], done.exception
    found = row(sessions, RUN)
    assert found is not None
    assert (found.state, found.organisation_id) == (RunState.SUCCEEDED, "default")
    monkeypatch.setenv("DUBLINE_HOME", str(tmp_path / "nowhere"))
    assert isinstance(CliRunner().invoke(train_commands.app, ["adopt", str(home)]).exception, StackError)
    monkeypatch.setenv("DUBLINE_DATABASE_URL", "postgresql://elsewhere/dubline")
    assert train_commands._platform()["DUBLINE_DATABASE_URL"] == "postgresql://elsewhere/dubline"
