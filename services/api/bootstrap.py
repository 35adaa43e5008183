"""Composition root: settings in, services out."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import redis

from dubbing.db.engine import Database
from dubbing.domain.connections import Bucket
from dubbing.encryption import SecretBox
from dubbing.proxies import bypass_for_loopback
from dubbing.queue.app import make_celery
from dubbing.queue.doorbell import Doorbell
from dubbing.settings import (
    ApiSettings,
    BucketSettings,
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
from dubbing.storage.customer_bucket import CustomerBucket
from dubbing.storage.posting import Poster
from dubbing.storage.remote import Resolve, resolved
from dubbing.storage.s3 import S3Store
from dubbing.storage.store import ObjectStore
from services.api.access_tokens import AccessTokens, signing_keys
from services.api.catalogue import Catalogue

_TEST_SECONDS = 5.0


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
    tokens: AccessTokens
    buckets: BucketSettings
    open_bucket: Callable[[Bucket], CustomerBucket]


def build() -> Services:
    """Services from the environment.

    Raises:
        ValueError: settings contradict each other.
    """
    bypass_for_loopback()
    queue, broker, engine, webhooks = QueueSettings(), RedisSettings(), EngineSettings(), WebhookSettings()
    secrets, session = SecretsSettings(), SessionSettings()
    check_keys_differ(secrets, session)
    buckets = BucketSettings()
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
        secrets=SecretBox(secrets),
        tokens=AccessTokens(OidcSettings(), session),
        buckets=buckets,
        open_bucket=bucket_opener(buckets),
    )


def check_keys_differ(secrets: SecretsSettings, session: SessionSettings) -> None:
    """Refuse one key for two purposes: whoever learns what signs must not be able to read what is encrypted.

    Raises:
        ValueError: they share one.
    """
    encrypting = {key.strip() for key in secrets.key.get_secret_value().split(",")}
    if encrypting & set(signing_keys(session)):
        message = "DUBLINE_SESSION_KEY and DUBLINE_SECRETS_KEY share a key: what signs and what encrypts must differ"
        raise ValueError(message)


def bucket_opener(settings: BucketSettings, resolve: Resolve = resolved) -> Callable[[Bucket], CustomerBucket]:
    """Gives access to buckets for a test of a connection: somebody waits for it, so that each call is short and made once."""
    brief = settings.model_copy(update={"seconds": min(settings.seconds, _TEST_SECONDS)})
    return partial(CustomerBucket, settings=brief, resolve=resolve, attempts=1)
