"""The database keeps organisations apart: its policies, its roles, and the functions that reach beyond them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from api_calls import app_of, authorised, problem, work_through
from fastapi.testclient import TestClient
from places import ROOT
from platform_jobs import do, make_job
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Engine, make_url, select, text
from sqlalchemy.exc import ProgrammingError

from dubbing.db.engine import Database
from dubbing.db.models import Asset, Base, Job, WorkItem
from dubbing.db.unit_of_work import unit_of_work
from dubbing.domain.jobs import Sharing
from dubbing.domain.work import WorkKind
from dubbing.ids import new_id
from dubbing.settings import DatabaseSettings
from dubbing.workflow.estimates import Estimates
from services.api.bootstrap import Services
from services.api.main import create_app

pytestmark = pytest.mark.stack
# Tables without an organisation of their own: whose job or run it is decides, or nobody's they are.
REACHED = {"organisations", "job_needs", "job_events", "training_events"}
NOBODYS = {
    "training_recipes": "what the trainers of the installation offer",
    "model_releases": "the models that serve everybody",
    "work_paces": "how fast the installation's workers are",
}


@pytest.fixture
def held(services: Services) -> Iterator[Database]:
    """The database as the API reaches it."""
    database = Database(services.database.settings.for_api())
    yield database
    database.close()


def test_every_table_is_closed_to_other_organisations_or_stands_here_with_its_reason(migrated: Engine) -> None:
    query = "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND relkind = 'r'"
    policies = "SELECT tablename FROM pg_policies WHERE 'dubline_api' = ANY(roles) AND qual LIKE '%dubline.organisation%'"
    with migrated.connect() as connection:
        forced, named = (set(connection.scalars(text(one))) for one in (query, policies))
        roles = connection.execute(text("SELECT polrelid::regclass::text, count(*) FROM pg_policy GROUP BY 1")).all()
    owned = {table.name for table in Base.metadata.sorted_tables if "organisation_id" in table.columns}
    assert owned - named - NOBODYS.keys() == set()
    assert {table.name for table in Base.metadata.sorted_tables} - forced == NOBODYS.keys()
    assert forced - owned == REACHED
    assert {count for _, count in roles} == {2}


def test_a_transaction_sees_the_organisation_that_it_names_and_without_one_nothing(services: Services, held: Database) -> None:
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        jobs = {name: make_job(work, organisation_id=name).id for name in ("north", "south")}
    tables = [table.name for table in Base.metadata.sorted_tables if table.name not in NOBODYS]
    with held.sessions()() as session:
        for name in tables:
            assert session.scalar(text(f"SELECT count(*) FROM {name}")) == 0, name  # noqa: S608
    for name, job in jobs.items():
        with unit_of_work(held.sessions(), lambda _: None, name) as work:
            assert list(work.session.scalars(select(Job.id))) == [job]
            assert len(work.items.results(job, [WorkKind.PROBE])) == work.session.query(WorkItem).count() == 2
    with held.sessions()() as session:  # the same connection: the name has ended with its transaction
        assert session.scalar(text("SELECT count(*) FROM jobs")) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT ask_for_item(:job, 'wrk_x', 'probe', 'x', '{}', true, 0, 8)",
        "SELECT cancel_unwanted_items(:job)",
        "SELECT reprioritize_items(:job)",
        "INSERT INTO job_needs SELECT :job, work_item_id FROM job_needs",
        "UPDATE job_needs SET work_item_id = 'x' WHERE job_id = :job",
        "INSERT INTO titles (id, organisation_id, name, created_at) VALUES (:job, 'north', '', now())",
    ],
)
def test_what_the_api_asks_of_the_database_it_asks_for_its_own_jobs_only(
    services: Services, held: Database, statement: str
) -> None:
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        job = make_job(work, organisation_id="north").id
        work.organisations.ensure("south")
    for acting in ("south", None):
        with (
            pytest.raises(ProgrammingError) as refused,
            unit_of_work(held.sessions(), lambda _: None, acting) as work,
        ):
            work.session.execute(text(statement), {"job": job})
        assert isinstance(refused.value.orig, InsufficientPrivilege)


def test_work_that_two_organisations_need_survives_that_one_of_them_cancels(services: Services) -> None:
    sharing = replace(services, api=services.api.model_copy(update={"share_across_organisations": True}))
    jobs, callers = {}, {}
    for name, priority in (("north", 1), ("south", 9)):
        with unit_of_work(services.database.sessions(), lambda _: None) as work:
            work.organisations.ensure(name)
            files = [Asset(id=new_id("ast"), organisation_id=name, object_key="x", filename="x", size=1) for _ in "va"]
            work.session.add_all(files)
        callers[name] = TestClient(app_of(sharing), headers=authorised(services, organisation_id=name))
        video, audio = ({"type": "asset", "id": file.id} for file in files)
        asked = {"video": video, "audio": audio, "seed": 1, "priority": priority}
        jobs[name] = callers[name].post("/v1/lipsyncs", json=asked).json()["id"]
    work_through(services, WorkKind.PROBE)
    (prepare,) = items(services, WorkKind.PREPARE)
    assert (prepare.organisation_id, prepare.state, prepare.priority) == ("south", "pending", 9)
    # The north sees how far work is that the south has begun; each changes its own job alone.
    assert callers["north"].get(f"/v1/jobs/{jobs['north']}").json()["phase"] == "analyzing"
    assert callers["south"].post(f"/v1/jobs/{jobs['south']}/reprioritize", json={"priority": -5}).is_success
    assert {item.priority for item in items(services, WorkKind.PREPARE)} == {1}
    problem(callers["north"].post(f"/v1/jobs/{jobs['south']}/cancel"), 404, "not_found")
    assert callers["south"].post(f"/v1/jobs/{jobs['south']}/cancel").json()["status"] == "canceled"
    assert {item.state for item in items(services, WorkKind.PREPARE)} == {"pending"}
    work_through(services)
    ended = {name: callers[name].get(f"/v1/jobs/{job}").json() for name, job in jobs.items()}
    assert {name: job["status"] for name, job in ended.items()} == {"north": "succeeded", "south": "canceled"}
    assert ended["north"]["progress"]["percent"] == 100


@pytest.mark.parametrize("sharing", [*Sharing, None])
def test_estimates_of_the_api_see_what_stands_before_a_job_and_not_whose_it_is(
    services: Services, held: Database, sharing: Sharing | None
) -> None:
    options = {"sharing": sharing}  # none has a job of before
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        north = [make_job(work, organisation_id="north", options=options) for _ in range(4)]
        mine = make_job(work, organisation_id="south", options=options)
        do(work, WorkKind.PROBE)
        make_job(work, organisation_id="north", options=options)  # of which nothing is known yet
        assert work.items.claim([WorkKind.PREPARE], "a worker", 60) is not None
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        whole = Estimates(work).of([mine])[mine.id]
    with unit_of_work(held.sessions(), lambda _: None, "south") as work:
        assert Estimates(work).of([mine])[mine.id].seconds == pytest.approx(whole.seconds, rel=0.01)
        seen = work.forecasts.live([mine.id], 100, 400)
        counted = work.forecasts.progress([job.id for job in seen])
        assert work.forecasts.progress([job.id for job in north]) == {}
    others = [job for job in seen if job.id != mine.id]
    assert len(others) == 5
    assert len({job.organisation_id for job in others}) == 1
    assert {job.organisation_id for job in seen} & {"north", "south"} == {"south"}
    assert not {job.id for job in others} & {job.id for job in north}
    assert counted.keys() == {job.id for job in seen if job.running}
    shown = sharing is not Sharing.ORGANISATION
    assert all(job.footage.startswith("#") != shown for job in others)


def items(services: Services, kind: WorkKind) -> list[WorkItem]:
    with services.database.sessions()() as session:
        return list(session.scalars(select(WorkItem).where(WorkItem.kind == kind)))


@pytest.mark.parametrize(("as_", "ready"), [("api_url", True), ("url", False), ("worker_url", False)])
def test_an_api_whose_role_sees_all_says_so_and_is_not_ready(services: Services, as_: str, ready: bool) -> None:
    settings = DatabaseSettings(url=getattr(services.database.settings, as_))
    with TestClient(create_app(replace(services, database=Database(settings)))) as client:
        answer = client.get("/readyz")
    reason = answer.json()["checks"]["database"]["reason"]
    assert answer.status_code == (200 if ready else 503)
    assert ready == (reason is None)
    assert ready or "DUBLINE_DATABASE_API_URL" in reason


@pytest.fixture
def elsewhere(migrated: Engine, database_settings: DatabaseSettings) -> Iterator[Callable[..., str]]:
    """A database whose owner is no superuser but may make roles: its URL, as any role."""
    url = make_url(database_settings.url)
    with migrated.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE ROLE studio LOGIN CREATEROLE PASSWORD 'studio'"))
        connection.execute(text("GRANT dubline_api, dubline_worker TO studio WITH ADMIN OPTION"))
        connection.execute(text("CREATE DATABASE studio OWNER studio"))
        yield lambda name, password: url.set(username=name, password=password, database="studio").render_as_string(
            hide_password=False
        )
        connection.execute(text("DROP DATABASE studio WITH (FORCE)"))
        connection.execute(text("DROP ROLE IF EXISTS hand"))
        connection.execute(text("DROP ROLE studio"))


def roles_command(**settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "services.api", "roles"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'shared'}:{ROOT}", **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_owner_without_a_superusers_rights_will_do(
    elsewhere: Callable[..., str], services: Services, database_settings: DatabaseSettings
) -> None:
    owner = elsewhere("studio", "studio")
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("sqlalchemy.url", owner)
    command.upgrade(config, "head")
    passwords = {name: make_url(getattr(database_settings, name)) for name in ("api_url", "worker_url")}
    urls = {name: elsewhere(url.username, url.password) for name, url in passwords.items()}
    studio = Database(DatabaseSettings(url=owner, **urls))
    api = replace(services, database=studio)
    with TestClient(app_of(api), headers=authorised(api, organisation_id="north")) as client:
        assert client.get("/readyz").json()["checks"]["database"]["ok"]
        made = client.post("/v1/uploads", json={"filename": "a.mov", "size": 9})
        assert made.status_code == 201
        with TestClient(app_of(api), headers=authorised(api, organisation_id="south")) as other:
            assert other.get(f"/v1/uploads/{made.json()['upload_id']}").status_code == 404
    with psycopg.connect(urls["worker_url"].replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM uploads").fetchone() == (1,)
    command.downgrade(config, "0005")
    command.upgrade(config, "head")
    studio.close()


def test_roles_are_let_in_by_a_command_that_may_be_repeated(
    elsewhere: Callable[..., str], migrated: Engine, database_settings: DatabaseSettings
) -> None:
    urls: dict[str, Any] = {"DUBLINE_DATABASE_URL": database_settings.url}
    assert "DUBLINE_DATABASE_API_URL" in roles_command(**urls).stderr
    urls["DUBLINE_DATABASE_WORKER_URL"] = database_settings.worker_url
    known = urls | {"DUBLINE_DATABASE_API_URL": database_settings.api_url}
    strange = roles_command(**urls, DUBLINE_DATABASE_API_URL=elsewhere("hand", "x"))
    assert (strange.returncode, "GRANT dubline_api" in strange.stderr) == (1, True)
    with migrated.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE ROLE hand LOGIN PASSWORD 'x' IN ROLE dubline_api"))
        connection.execute(text("ALTER ROLE dubline_worker NOLOGIN"))
    assert roles_command(**known).stdout == "Admitted: dubline_worker.\n"
    assert roles_command(**urls, DUBLINE_DATABASE_API_URL=elsewhere("hand", "x")).stdout.startswith("Admitted: all could")
