"""What the API says about itself: readiness, metrics, models and its own description."""

import re
from dataclasses import replace
from typing import Any

import pytest
import redis as redis_client
from api_calls import app_of, authorised, problem
from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from dubbing import clock
from dubbing.db.engine import Database
from dubbing.db.models import Job
from dubbing.errors import kinds
from dubbing.queue.app import make_celery
from dubbing.queue.doorbell import Doorbell
from dubbing.settings import (
    DatabaseSettings,
    EngineSettings,
    QueueSettings,
    RedisSettings,
    S3Settings,
    TritonSettings,
)
from dubbing.storage.s3 import S3Store
from services.api.bootstrap import Services
from services.api.catalogue import Catalogue
from services.api.problems import ROUTED

pytestmark = pytest.mark.stack


def test_readiness_names_what_is_down_and_the_api_is_ready_while_jobs_can_be_accepted(
    client: TestClient, services: Services
) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ok"), ready.text
    engine = EngineSettings(engine="triton")
    down = replace(
        services,
        engine=engine,
        broker=redis_client.Redis(port=1),
        catalogue=Catalogue(engine, TritonSettings(http_url="http://127.0.0.1:1")),
    )
    with TestClient(app_of(down)) as other:
        answer = other.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert [name for name, check in answer.json()["checks"].items() if not check["ok"]] == ["redis", "triton"]
    assert "refused" in answer.json()["checks"]["triton"]["reason"]


@pytest.mark.parametrize("part", ["database", "s3"])
def test_an_api_that_cannot_do_its_own_work_is_not_ready(services: Services, part: str) -> None:
    away = {
        "database": {"database": Database(DatabaseSettings(url="postgresql+psycopg://127.0.0.1:1/none"))},
        "s3": {"store": S3Store(S3Settings(endpoint="http://127.0.0.1:1"))},
    }
    with TestClient(app_of(replace(services, **away[part]))) as other:
        answer = other.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    assert [name for name, check in answer.json()["checks"].items() if not check["ok"]] == [part]
    assert answer.json()["checks"][part]["needed"]


def test_jobs_are_accepted_while_redis_is_down(services: Services, body: dict[str, Any]) -> None:
    settings = QueueSettings()
    deaf = replace(services, doorbell=Doorbell(make_celery(RedisSettings(url="redis://127.0.0.1:1/0"), settings), settings))
    with TestClient(app_of(deaf), headers=authorised(services)) as client:
        assert client.post("/v1/lipsyncs", json=body).status_code == 202


def test_a_lost_database_is_a_problem_that_says_to_come_again(services: Services) -> None:
    gone = replace(services, database=Database(DatabaseSettings(url="postgresql+psycopg://127.0.0.1:1/none")))
    with TestClient(app_of(gone), headers=authorised(services)) as client:
        answer = client.get("/v1/jobs")
    assert problem(answer, 503, "temporarily_unavailable")["retryable"] is True
    assert int(answer.headers["Retry-After"]) > 0


def test_metrics_count_jobs_queues_and_requests(client: TestClient, body: dict[str, Any]) -> None:
    client.post("/v1/lipsyncs", json=body)
    text = client.get("/metrics/platform").text
    assert 'dubline_jobs{state="queued"} 1.0' in text
    assert 'dubline_queue_depth{kind="probe"} 2.0' in text
    assert 'dubline_leases_lost_total{kind="infer"} 0.0' in text
    assert 'dubline_work_leased{kind="infer"} 0.0' in text
    assert 'dubline_model_available{model="tiny"} 1.0' in text
    assert "dubline_jobs_stuck 0.0" in text
    assert 'dubline_outages_total{kind="infer"} 0.0' in text


def series(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if not line.startswith("#") and "_created" not in line]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_two_replicas_count_their_own_requests_and_show_the_same_platform(
    client: TestClient, services: Services, body: dict[str, Any]
) -> None:
    posted = 'dubline_http_responses_total{method="POST",route="/v1/lipsyncs",status="202"}'
    with TestClient(app_of(services), headers=authorised(services)) as other:
        for replica, times in ((client, 1), (other, 2)):
            for _ in range(times):
                assert replica.post("/v1/lipsyncs", json=body).status_code == 202
        own = [series(replica.get("/metrics").text) for replica in (client, other)]
        platform = [series(replica.get("/metrics/platform").text) for replica in (client, other)]
    assert [counted[posted] for counted in own] == [1, 2]
    assert platform[0]['dubline_jobs{state="queued"}'] == 3
    ages = {name for name in platform[0] if name.startswith("dubline_queue_oldest_seconds")}
    assert {name: platform[0][name] for name in platform[0].keys() - ages} == {
        name: platform[1][name] for name in platform[1].keys() - ages
    }
    # No series of the platform is among those that are scraped from each replica.
    assert not {name.partition("{")[0] for name in own[0]} & {name.partition("{")[0] for name in platform[0]}


def test_metrics_count_silent_and_failed_jobs(
    client: TestClient, body: dict[str, Any], sessions: sessionmaker[Session]
) -> None:
    jobs = [client.post("/v1/lipsyncs", json=body).json()["id"] for _ in range(2)]
    long_ago = clock.now().replace(year=2020)
    with sessions.begin() as session:
        session.execute(update(Job).where(Job.id == jobs[0]).values(state="running", heartbeat_at=long_ago))
        session.execute(update(Job).where(Job.id == jobs[1]).values(state="failed", error={"code": "parity_failed"}))
    text = client.get("/metrics/platform").text
    assert "dubline_jobs_stuck 1.0" in text
    assert 'dubline_jobs_failed_total{code="parity_failed"} 1.0' in text


def test_metrics_show_which_part_is_down(services: Services) -> None:
    gone = Database(DatabaseSettings(url="postgresql+psycopg://127.0.0.1:1/none"))
    down = replace(services, broker=redis_client.Redis(port=1), database=gone)
    with TestClient(app_of(down)) as other:
        text = other.get("/metrics/platform").text
    assert 'dubline_up{part="database"} 0.0' in text
    assert 'dubline_up{part="redis"} 0.0' in text
    assert 'dubline_up{part="s3"} 1.0' in text


def test_models_say_whether_they_can_run(client: TestClient, services: Services) -> None:
    items = client.get("/v1/models").json()["items"]
    assert (items[0]["name"], items[0]["demo"], items[0]["available"]) == ("tiny", True, True)
    engine = EngineSettings(engine="triton", model_repo="/nonexistent")
    bare = replace(services, engine=engine, catalogue=Catalogue(engine, TritonSettings()))
    with TestClient(app_of(bare), headers=authorised(services)) as other:
        found = other.get("/v1/models").json()["items"][0]
    assert found["available"] is False
    assert "no weights" in found["reason"]


def test_the_description_is_openapi_3_1_and_names_the_problem(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert "Problem" in document["components"]["schemas"]
    operation = document["paths"]["/v1/lipsyncs"]["post"]
    assert operation["responses"]["422"]["content"]["application/problem+json"]
    assert operation["security"] == [{"ApiKey": []}]


def test_every_error_has_a_page_where_its_type_points(client: TestClient) -> None:
    refused = client.get("/v1/jobs/job_nothing")
    assert refused.json()["type"] == "/errors/not-found"
    page = client.get(refused.json()["type"], headers={"Authorization": ""})
    assert page.status_code == 200
    assert "not_found" in page.text
    listed = set(re.findall(r'href="(/errors/[a-z0-9-]+)"', client.get("/errors").text))
    assert listed == {
        f"/errors/{code.replace('_', '-')}" for code in {*(kind.code for kind in kinds()), *(code for _, code, _ in ROUTED)}
    }
    for address in listed:
        assert client.get(address).status_code == 200
    assert client.get("/errors/none-such").status_code == 404
