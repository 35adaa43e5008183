"""A title of ten minutes needs hardly more memory than one of forty seconds: no step holds its frames."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from film import Film, ffmpeg
from places import HELPERS

from dubbing.settings import S3Settings
from services.stack.home import CHECKOUT

# The limit is for machines that much else runs on: alone on two cores it takes well under a minute.
pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(3600)]
# One frame a second, so that ten minutes of picture are quickly dubbed.
RATE, SHORT, LONG = 1, 40, 600
# What an allocator keeps is no memory of frames: it depends on which thread freed what, and was 2 to 48 MB from run to run.
# This one gives everything back at once that is as large as a crop.
FORGETFUL = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "16384",
    "MALLOC_TRIM_THRESHOLD_": "16384",
    "MALLOC_TOP_PAD_": "0",
}
# The 600 crops alone would take 29 MB, the pictures 52 MB.
GROWTH = 20 << 20

_RUN = """
import json, sys
from pathlib import Path
from dubbing.settings import S3Settings
from dubbing.storage.s3 import S3Store
from memory import forget_peak, peak
from pipeline import Pipeline

pipeline = Pipeline(S3Store(S3Settings()), Path(sys.argv[1]))
for video, audio in zip(sys.argv[2::2], sys.argv[3::2]):
    forget_peak()
    receipt = pipeline.dub(Path(video), Path(audio), job_id=f"job_{Path(video).stem}").receipt
    print(json.dumps({"peak": peak(), "frames": receipt.parity.frames_out, "touched": sum(map(len, receipt.touched))}))
"""


def test_ten_minutes_are_dubbed_in_the_memory_of_one(film: Film, s3_settings: S3Settings, tmp_path: Path) -> None:
    # The first title also pays for what stays: libraries, models, pools.
    _, short, long = dubbed(s3_settings, tmp_path, [title(film, tmp_path, seconds) for seconds in (SHORT - 1, SHORT, LONG)])
    assert (short["frames"], long["frames"]) == (SHORT * RATE, LONG * RATE)
    assert long["touched"] > 0.9 * LONG * RATE
    assert long["peak"] - short["peak"] < GROWTH


def title(film: Film, folder: Path, seconds: int) -> tuple[Path, Path]:
    """A loop of the film and a tone, both as long as that."""
    video, audio = folder / f"{seconds}.mp4", folder / f"{seconds}.wav"
    loop = ("-stream_loop", -1, "-i", film.video, "-t", seconds, "-vf", f"fps={RATE},scale=320:180")
    ffmpeg(*loop, "-c:v", "libx264", "-preset", "ultrafast", video)
    ffmpeg("-f", "lavfi", "-i", f"sine=r=16000:d={seconds}", audio)
    return video, audio


def dubbed(s3: S3Settings, folder: Path, titles: list[tuple[Path, Path]]) -> list[dict[str, int]]:
    """Dubs one title after another in a process of their own; its peak memory after each, and what was made."""
    environ = os.environ | {
        "PYTHONPATH": ":".join(map(str, (CHECKOUT / "shared", CHECKOUT, HELPERS))),
        "DUBLINE_S3_ENDPOINT": s3.endpoint,
        "DUBLINE_S3_BUCKET": s3.bucket,
        "DUBLINE_S3_ACCESS_KEY": s3.access_key.get_secret_value(),
        "DUBLINE_S3_SECRET_KEY": s3.secret_key.get_secret_value(),
        "OMP_NUM_THREADS": "1",
        **FORGETFUL,
    }
    files = [str(path) for pair in titles for path in pair]
    command = [sys.executable, "-c", _RUN, str(folder / "scratch"), *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT, env=environ)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"peak"')]
