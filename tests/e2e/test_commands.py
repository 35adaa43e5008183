"""Every command that README, CONTRIBUTING and docs show is run as it stands there, and prints what the text says one sees.

Those of the runbook are run in the situation of their section. What cannot be run here stands on one list, with its reason;
what it names is there all the same.
"""

import doctest
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import DOCUMENTS, LANGUAGES, ROOT, Shown, blocks, commands, inline, missing
from desk import Desk
from film import Film
from situations import SITUATIONS, Names, Scene, running

from services.stack.home import CHECKOUT

stack = [pytest.mark.stack, pytest.mark.slow]
RUNBOOK = next(path for path in DOCUMENTS if path.name == "runbook.md")
# The beginnings of commands that are not run here, and why.
LEFT_OUT = {
    "make test": "it is what runs this",
    "make demo": "two minutes, and a stack of its own in the checkout; test_dub_end_to_end.py dubs",
    "make unit": "minutes; CI runs it",
    "make integration": "minutes; CI runs it",
    "make e2e": "it is what runs this",
    "make model": "minutes; CI runs it",
    "make up": "the stack runs already; tests/integration/test_local_stack.py starts one",
    "make check": "minutes; CI runs it",
    "make fmt": "it changes the checkout",
    "make bench-": "minutes on an idle machine; tests/model/test_benchmarks.py runs the programs briefly",
    "benchmarks/": "hours on a GPU; tests/model/test_benchmarks.py rehearses it",
    "python benchmarks/": "minutes, or a GPU; tests/model/test_benchmarks.py runs the programs briefly",
    "dubline analyse-trajectory": "minutes, and it needs a trained teacher; tests/unit/services/trainer/evaluation is about it",
    "dubline evaluate": "minutes; tests/unit/services/trainer/evaluation is about it",
    "dubline data prepare": "it needs footage; tests/unit/services/trainer/footage is about it",
    "dubline train make": "an hour; tests/integration/test_training_chain.py runs a small one",
    "dubline train alone": "hours on a GPU; tests/integration/test_training_chain.py runs a small one",
    "dubline train adopt": "it needs the runs of another machine; tests/integration/test_training_chain.py adopts some",
    "dubline train publish": "it changes what is served; tests/integration/test_training_publish.py publishes",
    "dubline train start df_tiny --set start=": "it needs a finished run; tests/integration/test_training_chain.py has one",
    "dubline train recipes": "a trainer must have told them; test_training_chain.py starts one",
    "dubline train watch": "it needs a run; test_training_chain.py watches one",
    "DUBLINE_TRAINER_ENABLED=true dubline up": "trainers of a gigabyte each; test_training_chain.py starts them",
    "DUBLINE_TRAINER_GATE_DATA=": "a variable, not a command",
    "export DUBLINE_": "variables, not commands",
    "dubline weights": "gigabytes from elsewhere; tests/unit/lipforcing_weights imports made ones",
    "dubline down && dubline up": "a minute; tests/integration/test_local_stack.py stops and starts",
    "docker compose": "it needs Docker; tests/repo/test_images.py reads what it describes",
    "dmesg": "on most machines only root may read it",
}
CHECKER = doctest.OutputChecker()
HOW = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
SHOWN = [shown for path in DOCUMENTS for shown in commands(path)]


def reason(shown: Shown) -> str | None:
    """Why a command is not run here; None for one that is."""
    return next((why for start, why in LEFT_OUT.items() if shown.text.startswith(start)), None)


def place(shown: Shown) -> tuple[Path, str]:
    return shown.block.path, shown.block.situation


TO_RUN = {where: list(some) for where, some in groupby([one for one in SHOWN if reason(one) is None], place)}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_of_code_says_in_its_language_what_it_is(path: Path) -> None:
    assert [f"{block.line}: {block.lines[0]}" for block in blocks(path) if block.language not in LANGUAGES] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_sentence_calls_a_command_names_what_is_there(path: Path) -> None:
    assert {span: faults for span in inline(path) if (faults := missing(span))} == {}


@pytest.mark.parametrize("shown", [one for one in SHOWN if reason(one) is not None], ids=str)
def test_a_command_that_is_not_run_names_what_is_there(shown: Shown) -> None:
    assert missing(shown.text) == []


def test_nothing_is_left_out_that_no_document_shows() -> None:
    assert [start for start in LEFT_OUT if not any(shown.text.startswith(start) for shown in SHOWN)] == []


@pytest.mark.parametrize(
    ("command", "faults"),
    [
        ("dubline dubb film.mp4", ["dubb"]),
        ("dubline job ID --folow", ["--folow"]),
        ("dubline exec celeri -A services.worker.app:app report", ["celeri"]),
        ("dubline status | greb running", ["greb"]),
        ("docker compose logs worker-inferr", ["worker-inferr"]),
        ("docker compose logs --tails 2 beat", ["--tails"]),
        ("docker compose --profile train up", ["train"]),
        ("docker compose exec triton kurl localhost", ["kurl"]),
        ('make bench-job ARGS="--length 10"', ["--length"]),
        ("make demo ARG=x", ["ARG"]),
        ("python -m services.apy keys", ["services.apy"]),
        ("python -m services.trainer --keeps 2", ["--keeps"]),
        ("python benchmarks/bench_jobs.py", [str(ROOT / "benchmarks/bench_jobs.py")]),
    ],
)
def test_what_is_not_there_is_found(command: str, faults: list[str]) -> None:
    assert missing(command) == faults


def test_a_target_that_is_not_there_is_found() -> None:
    (fault,) = missing("make demonstration")
    assert "demonstration" in fault


def test_every_section_of_an_alert_that_shows_commands_has_its_situation() -> None:
    rules = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]
    alerts = {rule["alert"] for group in rules for rule in group["rules"]}
    shown = {shown.block.situation for shown in commands(RUNBOOK)}
    assert shown == set(SITUATIONS)
    # These two send the reader elsewhere.
    assert alerts - shown == {"ApiReplicaDown", "QueueTooLong"}


@pytest.fixture(scope="module")
def scene(desk: Desk, film: Film, dubbed: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(desk, film, dubbed, tmp_path_factory.mktemp("scene"))


@pytest.fixture(scope="module")
def shell(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Runs a command as somebody does who follows the runbook: in a shell of `dubline exec`, in a folder like the checkout."""
    folder = tmp_path_factory.mktemp("checkout")
    for entry in CHECKOUT.iterdir():
        (folder / entry.name).symlink_to(entry)
    shutil.copy(scene.film.video, folder / "film.mp4")
    shutil.copy(scene.film.track, folder / "italian.wav")
    asked = {**os.environ, **scene.desk.system._environ, "DUBLINE_HOME": str(scene.desk.system.home.root), "COLUMNS": "160"}
    told = subprocess.run([CHECKOUT / ".venv/bin/dubline", "exec", "env", "-0"], env=asked, capture_output=True, check=True)
    env = dict(line.split("=", 1) for line in told.stdout.decode().split("\0") if line)

    def run(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", command],
            env=env, cwd=folder, text=True, check=False, timeout=300,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    return run


def filled(command: str, names: Names) -> str:
    """``command`` with what its placeholders stand for."""
    for placeholder, value in names.items():
        command = re.sub(rf"(?<!\w){re.escape(placeholder)}(?!\w)", value, command)
    return command


@pytest.mark.stack
@pytest.mark.slow
@pytest.mark.parametrize("where", TO_RUN, ids=lambda where: f"{where[0].name}-{where[1]}")
def test_commands_print_what_the_text_says(where: tuple[Path, str], scene: Scene, shell: Any) -> None:
    path, heading = where
    situation = SITUATIONS[heading] if path == RUNBOOK else running
    with situation(scene) as names:
        for shown in TO_RUN[where]:
            done = shell(filled(shown.text, names))
            assert not re.search(r"^Traceback", done.stdout, re.MULTILINE), f"{shown}\n{done.stdout}"
            if shown.output is None:
                assert done.returncode == 0, f"{shown}\n{done.stdout}"
            else:
                assert CHECKER.check_output(shown.output + "\n", done.stdout, HOW), f"{shown}\n{done.stdout}"
