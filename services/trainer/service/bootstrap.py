"""Composition root of the trainer's workers. They stay small: what needs the model library runs in child processes."""

import json
import subprocess
import sys

import structlog
from celery import Celery
from celery.signals import worker_init

from dubbing.db.engine import Database
from dubbing.db.unit_of_work import unit_of_work
from dubbing.domain.training import RecipeOffer
from dubbing.logging import configure_logging
from dubbing.proxies import bypass_for_loopback
from dubbing.queue.app import make_celery
from dubbing.queue.doorbell import Doorbell
from dubbing.queue.runner import Handlers, Runner
from dubbing.queue.tasks import add_work_task
from dubbing.settings import (
    DatabaseSettings,
    EngineSettings,
    LoggingSettings,
    MediaSettings,
    QueueSettings,
    RedisSettings,
    S3Settings,
    TrainerSettings,
    TritonSettings,
)
from dubbing.storage.s3 import S3Store
from services.trainer.release.publisher import Places, Publisher
from services.trainer.runtime.leg import Trainer

log = structlog.get_logger()


def make_app() -> Celery:
    """The Celery application of the train and publish workers."""
    bypass_for_loopback()
    configure_logging(LoggingSettings(), "trainer")
    queue = QueueSettings()
    app = make_celery(RedisSettings(), queue)
    s3 = S3Settings()
    database, store = Database(DatabaseSettings().for_workers()), S3Store(s3)
    doorbell = Doorbell(app, queue)
    handlers = Handlers()
    trainer, triton = TrainerSettings(), TritonSettings()
    models = EngineSettings().model_repo.resolve()
    handlers.add("train", Trainer(database, store, trainer, models))
    places = Places(models, triton, MediaSettings().face_model.resolve(), s3)
    handlers.add("publish", Publisher(database, store, trainer, places))
    add_work_task(app, Runner(database, doorbell.ring, handlers, queue))

    worker_init.connect(_register, weak=False)
    return app


def _register(**_: object) -> None:
    """Before the worker shows life: who waits for it never reads what the recipes of an earlier version were."""
    database = Database(DatabaseSettings().for_workers())  # of its own, for no connection may be open when the worker forks
    try:
        register_offers(database)
    finally:
        database.close()


def register_offers(database: Database) -> None:
    """Write the recipes of this trainer where the API reads them."""
    asked = subprocess.run(
        [sys.executable, "-m", "services.trainer.service", "offers"], capture_output=True, text=True, check=False
    )
    if asked.returncode != 0:
        log.error("offers_failed", reason=asked.stderr[-800:])
        return
    offers = [RecipeOffer.model_validate(one) for one in json.loads(asked.stdout)]
    with unit_of_work(database.sessions(), lambda _: None) as work:
        work.runs.offer(offers)
    log.info("offers_registered", recipes=[offer.name for offer in offers])
