"""The whole system as its callers and its operators see it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from film import Film

from services.stack.home import CHECKOUT
from services.stack.local import LocalStack

Dubline = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def desk(system: LocalStack) -> Iterator[Desk]:
    desk = Desk(system)
    yield desk
    desk.close()


@pytest.fixture(scope="session")
def dubline(system: LocalStack) -> Dubline:
    """Runs the command line against the system."""
    settings = {key: value for key, value in system.env().items() if key.startswith("DUBLINE_API_")}
    environ = {**os.environ, **settings, "PYTHONPATH": f"{CHECKOUT / 'shared'}:{CHECKOUT}"}

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "services.cli.main", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT, env=environ)

    return run


@pytest.fixture(scope="session")
def dubbed(dubline: Dubline, film: Film, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The film with its replacement track, dubbed by the command line and left alone: what it printed."""
    output = tmp_path_factory.mktemp("master") / "master.mp4"
    done = dubline("dub", film.video, film.track, "-o", output, "--json", "--seed", 7)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="session")
def master(dubbed: dict[str, Any]) -> Path:
    """The file that came out."""
    return Path(dubbed["output"])
