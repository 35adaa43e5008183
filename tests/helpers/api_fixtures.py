"""The API over real servers, a caller, and files to call with."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import redis as redis_client
from api_calls import MIB, app_of, authorised
from customer_store import OPENED, resolve
from fastapi.testclient import TestClient
from pydantic import SecretStr
from web_server import HERE, NEAR

from dubbing.db.engine import Database
from dubbing.encryption import SecretBox
from dubbing.queue.app import make_celery
from dubbing.queue.doorbell import Doorbell
from dubbing.settings import (
    ApiSettings,
    DatabaseSettings,
    EngineSettings,
    LoggingSettings,
    OidcSettings,
    QueueSettings,
    RedisSettings,
    S3Settings,
    SecretsSettings,
    SessionSettings,
    TritonSettings,
    WebhookSettings,
)
from dubbing.storage.posting import Poster
from dubbing.storage.s3 import S3Store
from services.api.access_tokens import AccessTokens
from services.api.bootstrap import Services, bucket_opener
from services.api.catalogue import Catalogue

TESTS_KEY = "a key of the tests that is long enough"
SIGNING_KEY = "another key of the tests which signs access tokens"


@pytest.fixture
def services(
    database: Database, database_settings: DatabaseSettings, redis_url: str, s3_settings: S3Settings
) -> Iterator[Services]:
    queue, broker, engine = QueueSettings(), RedisSettings(url=redis_url), EngineSettings(engine="passthrough")
    own, webhooks = Database(database_settings), WebhookSettings(ranges=NEAR, http_hosts=(HERE,))
    yield Services(
        api=ApiSettings(part_size=5 * MIB, events_poll=0.05, events_heartbeat=0.2),
        queue=queue,
        engine=engine,
        logging=LoggingSettings(level="ERROR"),
        database=own,
        store=S3Store(s3_settings),
        doorbell=Doorbell(make_celery(broker, queue), queue),
        broker=redis_client.Redis.from_url(redis_url),
        catalogue=Catalogue(engine, TritonSettings(http_url="http://127.0.0.1:1")),
        webhooks=webhooks,
        poster=Poster(webhooks),
        secrets=SecretBox(SecretsSettings(key=SecretStr(TESTS_KEY))),
        tokens=AccessTokens(OidcSettings(), SessionSettings(key=SecretStr(SIGNING_KEY))),
        buckets=OPENED,
        open_bucket=bucket_opener(OPENED, resolve),
    )
    own.close()
    assert database is not None


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    with TestClient(app_of(services), raise_server_exceptions=False, headers=authorised(services)) as client:
        yield client


@pytest.fixture
def upload(client: TestClient) -> Callable[..., str]:
    def do(name: str, data: bytes = b"x" * 1000, **members: Any) -> str:
        made = client.post("/v1/uploads", json={"filename": name, "size": len(data), **members}).json()
        parts = []
        for part in made["parts"]:
            sent = httpx.put(part["url"], content=data[part["offset"] : part["offset"] + part["size"]])
            parts.append({"n": part["n"], "etag": sent.headers["ETag"]})
        done = client.post(f"/v1/uploads/{made['upload_id']}/complete", json={"parts": parts})
        assert done.status_code == 200, done.text
        return str(done.json()["id"])

    return do


@pytest.fixture
def body(upload: Callable[..., str]) -> dict[str, Any]:
    video, audio = upload("film.mp4"), upload("pt.wav")
    return {"video": {"type": "asset", "id": video}, "audio": {"type": "asset", "id": audio}}
