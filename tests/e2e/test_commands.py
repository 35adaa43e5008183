"""Every command that README, CONTRIBUTING and docs show is run as it stands there, and prints what the text says one sees.

Those of the runbook are run in the situation of their section. What cannot be run here stands in tests/helpers/left_out.py.
"""

import doctest
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import RUNBOOK, Shown, commands
from film import Film
from left_out import SHOWN, reason
from platform_access import Platform
from shell import Shell
from situations import SITUATIONS, Names, Scene, running

CHECKER = doctest.OutputChecker()
HOW = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def place(shown: Shown) -> tuple[Path, str]:
    return shown.block.path, shown.block.situation


TO_RUN: dict[tuple[Path, str], list[Shown]] = {}
for _shown in SHOWN:
    if reason(_shown) is None:
        TO_RUN.setdefault(place(_shown), []).append(_shown)


def test_every_section_of_the_runbook_that_shows_commands_has_its_situation() -> None:
    assert {shown.block.situation for shown in commands(RUNBOOK)} == set(SITUATIONS)


@pytest.fixture(scope="module")
def scene(platform: Platform, film: Film, dubbed: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    scene = Scene(platform, film, dubbed, tmp_path_factory.mktemp("scene"))
    yield scene
    scene.whole()


@pytest.fixture(scope="module")
def shell(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(scene.platform.system, scene.film, tmp_path_factory.mktemp("checkout"))


def filled(command: str, names: Names) -> str:
    """``command`` with what its placeholders stand for."""
    for placeholder, value in names.items():
        command = re.sub(rf"(?<!\w){re.escape(placeholder)}(?!\w)", value, command)
    return command


@pytest.mark.stack
@pytest.mark.slow
@pytest.mark.parametrize("where", TO_RUN, ids=lambda where: f"{where[0].name}-{where[1]}")
def test_commands_print_what_the_text_says(where: tuple[Path, str], scene: Scene, shell: Shell) -> None:
    path, heading = where
    situation = SITUATIONS[heading] if path == RUNBOOK else running
    with situation(scene) as names:
        for shown in TO_RUN[where]:
            printed, code = shell.here(filled(shown.text, names))
            assert not re.search(r"^Traceback", printed, re.MULTILINE), f"{shown}\n{printed}"
            if shown.output is None:
                assert code == 0, f"{shown}\n{printed}"
            else:
                assert CHECKER.check_output(shown.output + "\n", printed, HOW), f"{shown}\n{printed}"
