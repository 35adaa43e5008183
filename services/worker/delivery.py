"""Entry point: ``celery -A services.worker.delivery:app worker -Q deliver -P threads``.

An application of its own: calling webhook endpoints needs neither pictures nor models, and waits most of the time.
"""

from dubbing.imports import lasting

with lasting():
    from celery import Celery

    from dubbing.db.engine import Database
    from dubbing.encryption import SecretBox
    from dubbing.logging import configure_logging
    from dubbing.proxies import bypass_for_loopback
    from dubbing.queue.app import make_celery
    from dubbing.queue.doorbell import Doorbell
    from dubbing.queue.runner import Handlers, Runner
    from dubbing.queue.tasks import add_work_task
    from dubbing.settings import (
        DatabaseSettings,
        LoggingSettings,
        QueueSettings,
        RedisSettings,
        SecretsSettings,
        WebhookSettings,
    )
    from dubbing.storage.posting import Poster
    from services.worker.deliver import DeliverHandler


def make_delivery() -> Celery:
    """The Celery application of the deliver workers."""
    bypass_for_loopback()
    configure_logging(LoggingSettings(), "deliver")
    queue, webhooks = QueueSettings(), WebhookSettings()
    app = make_celery(RedisSettings(), queue)
    doorbell, database = Doorbell(app, queue), Database(DatabaseSettings().for_workers())
    handlers = Handlers()
    secrets = SecretBox(SecretsSettings())
    handlers.add("deliver", DeliverHandler(database, doorbell.ring, secrets, Poster(webhooks), webhooks))
    add_work_task(app, Runner(database, doorbell.ring, handlers, queue))
    return app


app = make_delivery()
