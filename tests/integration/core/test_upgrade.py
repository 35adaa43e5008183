"""An installation of before, with jobs at every stage, is upgraded in place: old keys let in, and all jobs end well.

``database_0005.json`` holds the rows of such an installation as its own code wrote them (revision 0005 of the schema), and
``bucket_0005.zip`` the objects that one of its jobs had delivered, and another one had stored on its way.
"""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace

import httpx
import numpy as np
import pytest
from alembic import command
from alembic.config import Config
from api_calls import app_of, work_through
from fastapi.testclient import TestClient
from places import HELPERS, ROOT
from sqlalchemy import Engine, make_url, text

from dubbing.db.engine import Database, open_engine
from dubbing.domain.work import WorkKind
from dubbing.ids import chunk_key
from dubbing.inference.passthrough import PassthroughEngine
from dubbing.media.crops import unpack_crops
from dubbing.queue.runner import Handlers, Runner
from dubbing.settings import DatabaseSettings, QueueSettings
from services.api.bootstrap import Services
from services.worker.engines import Engines
from services.worker.infer import InferHandler

pytestmark = pytest.mark.stack
BEFORE = json.loads((HELPERS / "database_0005.json").read_text(encoding="utf-8"))


@pytest.fixture
def upgraded(migrated: Engine, database_settings: DatabaseSettings, services: Services) -> Iterator[Services]:
    """The API over a database that was filled at revision 0005 and migrated then."""
    url, api_url = (
        make_url(one).set(database="upgraded").render_as_string(hide_password=False)
        for one in (database_settings.url, database_settings.for_api().url)
    )
    with migrated.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE DATABASE upgraded"))
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("sqlalchemy.url", url)
    command.upgrade(config, "0005")
    engine, database = open_engine(DatabaseSettings(url=url)), Database(DatabaseSettings(url=url, api_url=api_url))
    with engine.begin() as connection:
        for table, rows in BEFORE["tables"].items():
            fill = f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, :rows)"  # noqa: S608
            connection.execute(text(fill), {"rows": json.dumps(rows)})
            if table == "job_events":
                connection.execute(text("SELECT setval('job_events_id_seq', (SELECT max(id) FROM job_events))"))
    engine.dispose()
    with zipfile.ZipFile(HELPERS / "bucket_0005.zip") as objects:
        for key in objects.namelist():
            services.store.put_bytes(key, objects.read(key))
    command.upgrade(config, "head")
    yield replace(services, database=database)
    database.close()
    with migrated.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DROP DATABASE upgraded"))


def test_what_jobs_of_before_have_stored_is_served_and_read(upgraded: Services) -> None:
    handlers = Handlers()
    handlers.add("infer", InferHandler(upgraded.store, Engines(lambda preset, _: PassthroughEngine(preset))))
    runner = Runner(upgraded.database, lambda _: None, handlers, QueueSettings())
    headers = {"Authorization": "Bearer dub_0123456789ab_upgrade"}
    with TestClient(app_of(upgraded), raise_server_exceptions=False, headers=headers) as client:
        ended, job = (f"/v1/jobs/{BEFORE['jobs'][name]}" for name in ("ended", "generating"))
        links = client.get(ended).json()["links"]
        assert httpx.get(links["output"]).content == b"a master of before"
        assert httpx.get(links["receipt"]).json()["job_id"] == BEFORE["jobs"]["ended"]
        assert client.get(f"{ended}/receipt").json()["output_video"]["frames"] == 250
        assert client.get(job).json()["progress"]["chunks"] == {"done": 1, "total": 3}
        while runner.run_next("infer"):
            pass
        found = client.get(job).json()
        assert (found["progress"]["chunks"], found["phase"]) == ({"done": 3, "total": 3}, "stitching"), found["error"]
    # The passing-through engine paints what it reads, and each frame of before has its own number for a colour.
    for chunk, frames in enumerate((range(100), range(100, 200), range(200, 250))):
        made = unpack_crops(upgraded.store.get_bytes(chunk_key(BEFORE["jobs"]["generating"], chunk)))
        assert np.array_equal(np.stack([*made])[:, 0, 0, 0], np.array(frames))


def test_jobs_of_before_end_well_and_keys_of_before_see_them(upgraded: Services) -> None:
    headers = {"Authorization": "Bearer dub_0123456789ab_upgrade"}
    with TestClient(app_of(upgraded), raise_server_exceptions=False, headers=headers) as client:
        before = {name: client.get(f"/v1/jobs/{job}").json()["status"] for name, job in BEFORE["jobs"].items()}
        work_through(upgraded, *(kind for kind in WorkKind if kind is not WorkKind.DELIVER))
        after = {name: client.get(f"/v1/jobs/{job}").json() for name, job in BEFORE["jobs"].items()}
        waiting = {"stitching", "generating", "encoding", "analyzing", "probing"}
        assert before == {"ended": "succeeded", "failed": "canceled", "queued": "queued"} | dict.fromkeys(waiting, "running")
        assert {name: job["status"] for name, job in after.items()} == {
            **dict.fromkeys(before, "succeeded"),
            "failed": "canceled",
        }
        assert {job["title"] for job in after.values()} == {None}
        (key,) = client.get("/v1/keys").json()["items"]
        assert (key["name"], {"titles:write", "reviews:write", "keys:write"} <= set(key["scopes"])) == ("test", True)
        assert client.get("/v1/titles").json()["items"] == []
    with upgraded.database.sessions()() as session:
        assert session.execute(text("SELECT id FROM organisations")).all() == [("default",)]
