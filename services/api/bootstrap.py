"""Composition root: settings in, services out."""

from dataclasses import dataclass

import redis

from dubbing.db.engine import Database
from dubbing.encryption import SecretBox
from dubbing.proxies import bypass_for_loopback
from dubbing.queue.app import make_celery
from dubbing.queue.doorbell import Doorbell
from dubbing.settings import (
    ApiSettings,
    DatabaseSettings,
    EngineSettings,
    LoggingSettings,
    QueueSettings,
    RedisSettings,
    S3Settings,
    SecretsSettings,
    TritonSettings,
    WebhookSettings,
)
from dubbing.storage.posting import Poster
from dubbing.storage.s3 import S3Store
from dubbing.storage.store import ObjectStore
from services.api.catalogue import Catalogue


@dataclass(frozen=True)
class Services:
    """What the handlers use."""

    api: ApiSettings
    queue: QueueSettings
    engine: EngineSettings
    logging: LoggingSettings
    database: Database
    store: ObjectStore
    doorbell: Doorbell
    broker: redis.Redis
    catalogue: Catalogue
    webhooks: WebhookSettings
    poster: Poster
    secrets: SecretBox


def build() -> Services:
    """Services from the environment."""
    bypass_for_loopback()
    queue, broker, engine, webhooks = QueueSettings(), RedisSettings(), EngineSettings(), WebhookSettings()
    return Services(
        api=ApiSettings(),
        queue=queue,
        engine=engine,
        logging=LoggingSettings(),
        database=Database(DatabaseSettings().for_api()),
        store=S3Store(S3Settings()),
        doorbell=Doorbell(make_celery(broker, queue), queue),
        broker=redis.Redis.from_url(broker.url, socket_connect_timeout=2, socket_timeout=2),
        catalogue=Catalogue(engine, TritonSettings()),
        webhooks=webhooks,
        poster=Poster(webhooks),
        secrets=SecretBox(SecretsSettings()),
    )
