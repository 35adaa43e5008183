"""The program that the tutorial shows dubs a film, and tells why it cannot dub another."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from film import Film
from places import ROOT

from dubbing.media.probe import probe
from services.stack.local import LocalStack

pytestmark = [pytest.mark.stack, pytest.mark.slow]
Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def program(system: LocalStack, tmp_path: Path) -> Program:
    (source,) = re.findall(
        r"^```python\n(.*?)^```$", (ROOT / "docs/tutorials/first-api-job.md").read_text(), re.MULTILINE | re.DOTALL
    )
    script = tmp_path / "dub.py"
    script.write_text(source)

    def run(*arguments: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, script, *arguments]
        return subprocess.run(command, env={**os.environ, **system.env()}, capture_output=True, text=True, check=False)

    return run


def test_the_program_fetches_a_master_as_long_as_the_film(program: Program, film: Film, tmp_path: Path) -> None:
    done = program(film.video, film.track, tmp_path / "master.mp4")
    assert done.returncode == 0, done.stdout + done.stderr
    video = probe(tmp_path / "master.mp4").video
    assert video is not None
    assert video.frames == film.frames


def test_the_program_tells_the_code_of_what_is_refused(program: Program, film: Film, tmp_path: Path) -> None:
    done = program(film.track, film.track, tmp_path / "master.mp4")
    assert done.returncode == 1
    assert "no_video_stream" in done.stderr
