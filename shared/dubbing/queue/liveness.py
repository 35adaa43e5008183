"""A file whose age says whether a worker, or beat, still reaches the broker: for probes of processes without a port."""

from pathlib import Path
from typing import Any

from celery.signals import after_task_publish, beat_init, heartbeat_sent


def touch_liveness_file(file: Path) -> None:
    """Touches ``file`` with every heartbeat of this worker (every 2 s while it is connected), or every task that beat sends."""

    def touch(**_: Any) -> None:
        file.touch()

    def follow_beat(**_: Any) -> None:
        after_task_publish.connect(touch, weak=False)

    heartbeat_sent.connect(touch, weak=False)
    beat_init.connect(follow_beat, weak=False)
