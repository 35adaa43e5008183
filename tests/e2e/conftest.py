"""The whole system as its callers and its operators see it."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import in_process
import pytest
from film import Film
from platform_access import Platform

from services.stack.local import LocalStack

Dubline = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def platform(system: LocalStack) -> Iterator[Platform]:
    platform = Platform(system)
    yield platform
    platform.close()


@pytest.fixture(scope="session")
def dubline(system: LocalStack) -> Dubline:
    """Runs the command line against the system."""
    settings = {key: value for key, value in system.env().items() if key.startswith("DUBLINE_API_")}
    return partial(in_process.dubline, {**os.environ, **settings})


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
