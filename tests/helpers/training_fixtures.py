"""A trainer over real servers: it launches the processes of runs as the service does."""

from collections.abc import Callable
from pathlib import Path

import pytest
from places import ROOT

from dubbing.db.engine import Database
from dubbing.queue.runner import Handlers, Runner
from dubbing.settings import QueueSettings, TrainerSettings
from dubbing.storage.s3 import S3Store
from services.trainer.runtime.leg import Trainer


@pytest.fixture
def runner(
    database: Database, store: S3Store, running: Callable[..., dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Runner:
    """Its runs save after every step and tell of every step; one that is interrupted goes on at once, twice at most.

    Of this machine they may read what lies in the folder ``open``.
    """
    for name, value in running("s3").items():
        if name.startswith("DUBLINE_S3_"):
            monkeypatch.setenv(name, value)  # as in a deployment, processes of a run find the object store by themselves
    settings = TrainerSettings(
        scratch=tmp_path, places=(tmp_path / "open",), checkpoint=0.0, sample=1e9, metrics=0.0, poll=0.05, threads=1
    )
    handlers = Handlers()
    handlers.add("train", Trainer(database, store, settings, ROOT / "model_repo"))
    patience = QueueSettings(heartbeat=0.5, heartbeat_timeout=60.0, backoff=0.01, backoff_max=0.05, max_attempts=3)
    return Runner(database, lambda _: None, handlers, patience)
