"""Beat sends what the maintenance worker does, and loads nothing of the work."""

import os
import subprocess
import sys

from places import ROOT

from dubbing.queue.app import SWEEP_TASK, TIDY_TASK

_LOADED = """
import sys
from services.worker.beat import app

print(*sorted(entry["task"] for entry in app.conf.beat_schedule.values()))
print(*({"cv2", "av", "scipy", "sqlalchemy", "boto3", "tritonclient"} & set(sys.modules)))
"""


def test_beat_has_the_schedule_and_none_of_what_works() -> None:
    environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'shared'}:{ROOT}"}
    done = subprocess.run([sys.executable, "-c", _LOADED], check=True, capture_output=True, text=True, env=environ)
    assert done.stdout.splitlines() == [f"{SWEEP_TASK} {TIDY_TASK}", ""]
