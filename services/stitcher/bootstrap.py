"""Composition root of the stitcher."""

from functools import partial

import cv2
from celery import Celery

from dubbing.db.engine import Database
from dubbing.encryption import SecretBox
from dubbing.faces.detector import MediaPipeDetector
from dubbing.inference.syncnet import TritonSyncNet
from dubbing.logging import configure_logging
from dubbing.media.encode import EncodeSettings
from dubbing.media.mux import MuxSettings
from dubbing.proxies import bypass_for_loopback
from dubbing.queue.app import make_celery
from dubbing.queue.doorbell import Doorbell
from dubbing.queue.runner import Handlers, Runner
from dubbing.queue.tasks import add_work_task
from dubbing.settings import (
    BucketSettings,
    DatabaseSettings,
    EngineSettings,
    LoggingSettings,
    MediaSettings,
    QueueSettings,
    RedisSettings,
    S3Settings,
    SecretsSettings,
    TritonSettings,
)
from dubbing.storage.customer_bucket import CustomerBucket
from dubbing.storage.s3 import S3Store
from dubbing.storage.sources import SourceCache
from services.stitcher.deliver_master import DeliverMasterHandler
from services.stitcher.scorer import Scorer
from services.stitcher.stitch import Delivery, Stitcher


def make_app() -> Celery:
    """The Celery application of the stitch workers."""
    bypass_for_loopback()
    configure_logging(LoggingSettings(), "stitcher")
    cv2.setNumThreads(1)  # frames are worked on side by side; a pool inside every call on one costs more than it saves
    queue, media = QueueSettings(), MediaSettings()
    app = make_celery(RedisSettings(), queue)
    store = S3Store(S3Settings())
    sources = SourceCache(store, media.scratch / "sources", media.source_cache_bytes)
    delivery = Delivery(
        scratch=media.scratch / "outputs",
        encode=EncodeSettings(crf=media.crf, preset=media.preset, threads=media.threads),
        mux=MuxSettings(sound=media.sound),
    )
    triton = TritonSettings()
    served = EngineSettings().engine == "triton"
    scorer = Scorer(partial(TritonSyncNet, triton.url, triton.secret) if served else None)
    handlers = Handlers()
    handlers.add("stitch", Stitcher(store, sources, partial(MediaPipeDetector, media.face_model), delivery, scorer))
    doorbell = Doorbell(app, queue)
    database = Database(DatabaseSettings().for_workers())
    open_bucket = partial(CustomerBucket, settings=BucketSettings())
    deliver = DeliverMasterHandler(database, doorbell.ring, SecretBox(SecretsSettings()), store, open_bucket)
    handlers.add("deliver_master", deliver)
    add_work_task(app, Runner(database, doorbell.ring, handlers, queue, app="services.stitcher.app:app"))
    return app
