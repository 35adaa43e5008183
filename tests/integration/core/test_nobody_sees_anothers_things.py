"""Somebody of another organisation finds nothing by any call; nor with every organisation filter taken out of the source."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_calls import app_of, authorised, put_analysis, work_through
from fastapi.testclient import TestClient
from places import ROOT
from sqlalchemy import text
from stranger import Belongings, Stranger
from training_rows import OFFER, make_run, version
from waiting import until

from dubbing.db.models import Asset, Base
from dubbing.db.training_models import ModelRelease
from dubbing.db.unit_of_work import unit_of_work
from dubbing.domain.training import ReleaseState, RunState
from dubbing.domain.work import WorkKind
from dubbing.ids import new_id
from services.api import examples
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack
NORTH, SOUTH, MARK = "north", "south", "only-north-knows"
LEFT = (WorkKind.TRAIN, WorkKind.DELIVER)
ONCE = {"Idempotency-Key": "said-once"}
FILTER = re.compile(r"\w+\.organisation_id == [\w.]+")


@pytest.fixture
def theirs(services: Services) -> Belongings:
    """What the north has: one thing of each kind, made by calls where there are some."""
    headers = authorised(services, organisation_id=NORTH)
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        work.runs.offer([OFFER])
        files = [asset(NORTH, f"{MARK}.{kind}") for kind in ("mp4", "wav")]
        work.session.add_all(files)
        person = work.people.owner(NORTH, MARK, MARK).id
        run = make_run(work, organisation_id=NORTH, state=RunState.SUCCEEDED, candidate_key=MARK, settings={"name": MARK})
        served = {"preset": "tiny", "share": 1.0, "figures": [], "models": version(1).model_dump(mode="json")}
        release = ModelRelease(id=new_id("rel"), run_id=run.id, version=1, state=ReleaseState.RETIRED, **served)
        work.session.add(release)
    video, audio = ({"type": "asset", "id": file.id} for file in files)
    with TestClient(app_of(services), headers=headers) as client:

        def post(path: str, body: Any = None, **headers: str) -> dict[str, Any]:
            made = client.post(f"/v1/{path}", json=body, headers=headers)
            assert made.is_success, made.text
            return dict(made.json())

        upload = post("uploads", {"filename": f"{MARK}.mov", "size": 9})["upload_id"]
        bucket = {"endpoint": "https://s3.example.com", "bucket": MARK, "access_key": MARK, "secret_key": MARK}
        connection = post("storage-connections", {"name": MARK, **bucket})["id"]
        output = {"destination": {"connection": connection, "prefix": MARK}}
        dub = {"video": video, "audio": audio, "metadata": {"title": MARK}, "output": output}
        job = post("lipsyncs", dub)["id"]
        asked = {"name": MARK, "video": video, "external_id": "S01E01", "metadata": {"show": MARK}}
        title = post("titles", asked, **ONCE)["id"]
        language = {"language": "pt-BR", "audio": audio, "metadata": {"studio": MARK}, "review": "required"}
        post(f"titles/{title}/languages", language)
        post(f"titles/{title}/languages/pt-BR/render", {})
        endpoint = post("webhook-endpoints", {"url": f"https://hooks.example.com/{MARK}"})["id"]
        delivery = post(f"webhook-endpoints/{endpoint}/test")["id"]
        key = post("keys", {"name": MARK})["id"]
        work_through(services, *(kind for kind in WorkKind if kind not in LEFT))
        put_analysis(services)
        review = client.get("/v1/reviews").json()["items"][0]["id"]
        comment = post(f"reviews/{review}/comments", {"text": MARK})["id"]
        place = {"title": title, "language": "pt-BR"}
        guest = post("guests", {**place, "name": MARK, "may": "decide"})["id"]
        cursor = client.get("/v1/jobs", params={"limit": 1}).json()["next_cursor"]
    made = (upload, files[0].id, job, run.id, title, endpoint, delivery, person, connection, review, comment, guest)
    ids = {one[:3]: one for one in made} | {"key": key}
    marks = {MARK, NORTH, headers["Authorization"].split("_")[1], files[1].id, *ids.values()}
    return Belongings(ids, frozenset(marks), asked, cursor)


def asset(organisation: str, name: str) -> Asset:
    made = new_id("ast")
    return Asset(id=made, organisation_id=organisation, object_key=f"assets/{made}/x", filename=name, size=10)


def rows(services: Services) -> dict[str, list[str]]:
    """All that the north has in the database."""
    found = {}
    with services.database.sessions()() as session:
        for table in Base.metadata.sorted_tables:
            if "organisation_id" in table.columns:
                query = f"SELECT to_jsonb(t) - 'last_used_at' FROM {table.name} t WHERE organisation_id = :of"  # noqa: S608
                found[table.name] = sorted(map(json.dumps, session.scalars(text(query), {"of": NORTH})))
    return found


def faults(services: Services, client: httpx.Client, theirs: Belongings) -> list[str]:
    """What the south is shown of what the north has, and what it is told that it would not be told of nothing."""
    stranger = Stranger(client, app_of(services).openapi(), theirs)
    found = [*stranger.walk(examples.exchanges()), *stranger.look_around()]
    again = client.post("/v1/titles", json=theirs.asked, headers=ONCE)
    if again.status_code != 404:
        found.append(f"their call, sent again with their Idempotency-Key: {again.text}")
    with services.database.sessions().begin() as session:
        ours = asset(SOUTH, "south.mp4")
        session.add(ours)
    named = {**theirs.asked, "video": {"type": "asset", "id": ours.id}}
    if (made := client.post("/v1/titles", json=named)).status_code != 201:
        found.append(f"a title of that external_id: {made.text}")
    return found


def test_every_call_with_ids_of_others_answers_as_to_ids_that_nobody_has(services: Services, theirs: Belongings) -> None:
    before = rows(services)
    assert len(before["jobs"]) == 3
    with TestClient(app_of(services), headers=authorised(services, organisation_id=SOUTH)) as client:
        assert faults(services, client, theirs) == []
    assert rows(services) == before


@pytest.fixture
def without_filters(tmp_path: Path) -> Path:
    """A copy of the source in which no repository asks whose a row is."""
    for folder in ("shared", "services"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("docs", "model_repo"):
        (tmp_path / name).symlink_to(ROOT / name)
    taken = 0
    for file in (tmp_path / "shared/dubbing/db").glob("*.py"):
        source, count = FILTER.subn("true()", file.read_text(encoding="utf-8"))
        assert "organisation_id ==" not in source, file
        docstring, rest = source[: source.index('"""', 3) + 3], source[source.index('"""', 3) + 3 :]
        file.write_text(f"{docstring}\nfrom sqlalchemy import true\n{rest}" if count else source, encoding="utf-8")
        taken += count
    assert taken > 15
    return tmp_path


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").is_success
    except httpx.TransportError:
        return False


@contextmanager
def served(source: Path, settings: dict[str, str], headers: dict[str, str]) -> Iterator[httpx.Client]:
    """A caller of the API as ``source`` has it."""
    socket, log = source / "api", source / "log"
    env = {
        **os.environ,
        **settings,
        "PYTHONPATH": f"{source / 'shared'}:{source}",
        "DUBLINE_ENGINE": "passthrough",
        "DUBLINE_SECRETS_KEY": "a key of the tests that is long enough",
    }
    command = [sys.executable, "-m", "uvicorn", "--factory", "services.api.main:create_app", "--uds", str(socket)]
    with log.open("wb") as out, subprocess.Popen(command, cwd=source, env=env, stdout=out, stderr=out) as server:
        transport = httpx.HTTPTransport(uds=str(socket))
        try:
            with httpx.Client(transport=transport, base_url="http://api", headers=headers, timeout=60) as client:
                until(lambda: answers(client) or server.poll() is not None, lambda: log.read_text(encoding="utf-8"))
                yield client
        finally:
            server.terminate()
            socket.unlink(missing_ok=True)


def test_the_policies_alone_keep_strangers_out(
    services: Services, theirs: Belongings, without_filters: Path, running: Callable[..., dict[str, str]]
) -> None:
    before, headers = rows(services), authorised(services, organisation_id=SOUTH)
    env = {name: value for name, value in running("postgres", "redis", "s3").items() if "_API_KEY" not in name}
    with served(without_filters, env, headers) as client:
        assert client.get("/readyz").status_code == 200
        assert faults(services, client, theirs) == []
    assert rows(services) == before
    # The filters are gone indeed: a role that passes the policies shows the south what the north has.
    with served(without_filters, env | {"DUBLINE_DATABASE_API_URL": ""}, headers) as client:
        assert client.get("/readyz").status_code == 503
        assert len(faults(services, client, theirs)) > 40
