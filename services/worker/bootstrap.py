"""Composition root of the workers: the only place where their settings are read and their parts are joined."""

from functools import partial

import cv2
from celery import Celery

from dubbing.db.engine import Database
from dubbing.encryption import SecretBox
from dubbing.faces.detector import MediaPipeDetector
from dubbing.faces.hands import MediaPipeHands
from dubbing.inference.factory import open_ender, open_engine
from dubbing.logging import configure_logging
from dubbing.media.isolated import Reader
from dubbing.proxies import bypass_for_loopback
from dubbing.queue.app import make_celery
from dubbing.queue.doorbell import Doorbell
from dubbing.queue.runner import Handlers, Runner
from dubbing.queue.sweeper import Sweeper
from dubbing.queue.tasks import add_maintenance_tasks, add_work_task
from dubbing.settings import (
    BucketSettings,
    DatabaseSettings,
    EngineSettings,
    FetchSettings,
    LoggingSettings,
    MediaSettings,
    QueueSettings,
    RedisSettings,
    S3Settings,
    SecretsSettings,
    TritonSettings,
)
from dubbing.storage.customer_bucket import CustomerBucket
from dubbing.storage.remote import RemoteFiles
from dubbing.storage.s3 import S3Store
from dubbing.storage.sources import SourceCache
from services.worker.compare import CompareHandler
from services.worker.customer_files import CustomerFiles
from services.worker.encode_face import EncodeFaceHandler
from services.worker.encode_speech import EncodeSpeechHandler
from services.worker.engines import Engines
from services.worker.infer import InferHandler
from services.worker.prepare import PrepareHandler
from services.worker.probe import ProbeHandler


def make_app() -> Celery:
    """The Celery application of the prepare, infer and maintenance workers."""
    bypass_for_loopback()
    configure_logging(LoggingSettings(), "worker")
    cv2.setNumThreads(1)  # frames are worked on side by side; a pool inside every call on one costs more than it saves
    queue = QueueSettings()
    app = make_celery(RedisSettings(), queue)
    doorbell = Doorbell(app, queue)
    database = Database(DatabaseSettings().for_workers())
    store = S3Store(S3Settings())
    add_work_task(app, Runner(database, doorbell.ring, _handlers(store, database), queue, app="services.worker.app:app"))
    end_sequence = open_ender(EngineSettings().engine, TritonSettings())
    add_maintenance_tasks(app, Sweeper(database, doorbell, queue, store.abort_upload, end_sequence))
    return app


def _handlers(store: S3Store, database: Database) -> Handlers:
    media, engine = MediaSettings(), EngineSettings()
    sources = SourceCache(store, media.scratch / "sources", media.source_cache_bytes)
    triton = TritonSettings()
    engines = Engines(lambda preset, version: open_engine(engine.engine, preset, triton, str(engine.model_repo), version))
    handlers = Handlers()
    open_bucket = partial(CustomerBucket, settings=BucketSettings())
    fetch = FetchSettings()
    files = CustomerFiles(RemoteFiles(fetch), fetch, database, SecretBox(SecretsSettings()), open_bucket)
    handlers.add("probe", ProbeHandler(store, sources, Reader(media.reading_bytes), files))
    looking = (partial(MediaPipeDetector, media.face_model), partial(MediaPipeHands, media.hand_model))
    handlers.add("prepare", PrepareHandler(store, sources, *looking))
    handlers.add("compare", CompareHandler(sources))
    handlers.add("encode_face", EncodeFaceHandler(store, sources, engines))
    handlers.add("encode_speech", EncodeSpeechHandler(store, sources, engines))
    handlers.add("infer", InferHandler(store, engines))
    return handlers
