"""A title of ten minutes needs no more memory than one of one minute: no step holds its frames."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from film import Film, ffmpeg, write_tone

from dubbing.settings import S3Settings
from services.cli.stack.home import CHECKOUT

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(900)]
# Few frames a second, so that ten minutes of picture are quick to make: 1800 frames of 170 kB would be 300 MB.
RATE = 3
GROWTH = 120 << 20

_RUN = """
import json, os, resource, sys
from pathlib import Path
from dubbing.settings import S3Settings
from dubbing.storage.s3 import S3Store
from pipeline import Pipeline

folder, video, audio = map(Path, sys.argv[1:])
result = Pipeline(S3Store(S3Settings()), folder).dub(video, audio, job_id=f"job_{video.stem}")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
print(json.dumps({"peak": peak, "frames": result.receipt.parity.frames_out, "touched": sum(map(len, result.receipt.touched))}))
"""


def test_ten_minutes_are_dubbed_in_the_memory_of_one(film: Film, s3_settings: S3Settings, tmp_path: Path) -> None:
    one, ten = (dubbed(film, s3_settings, tmp_path, minutes) for minutes in (1, 10))
    assert (one["frames"], ten["frames"]) == (60 * RATE, 600 * RATE)
    assert ten["touched"] > 500 * RATE
    assert ten["peak"] - one["peak"] < GROWTH


def dubbed(film: Film, s3: S3Settings, folder: Path, minutes: int) -> dict[str, int]:
    """Dubs a loop of the film in a process of its own; its peak memory and what it made."""
    video = folder / f"{minutes}.mp4"
    loop = ("-stream_loop", -1, "-i", film.video, "-t", minutes * 60, "-vf", f"fps={RATE},scale=320:180")
    ffmpeg(*loop, "-c:v", "libx264", "-preset", "ultrafast", video)
    audio = write_tone(folder / f"{minutes}.wav", minutes * 60)
    environ = {
        "PYTHONPATH": ":".join(map(str, (CHECKOUT / "shared", CHECKOUT, CHECKOUT / "tests", Path(__file__).parent))),
        "DUBLINE_S3_ENDPOINT": s3.endpoint,
        "DUBLINE_S3_BUCKET": s3.bucket,
        "DUBLINE_S3_ACCESS_KEY": s3.access_key.get_secret_value(),
        "DUBLINE_S3_SECRET_KEY": s3.secret_key.get_secret_value(),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", _RUN, str(folder / "scratch"), str(video), str(audio)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT, env=environ, timeout=800)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))
