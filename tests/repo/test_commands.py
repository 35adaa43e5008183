"""What the documents show as a command names what is there, whether it is run (tests/e2e/test_commands.py) or not."""

from pathlib import Path

import pytest
import yaml
from commands import DOCUMENTS, LANGUAGES, ROOT, RUNBOOK, Shown, blocks, commands, inline, missing
from left_out import LEFT_OUT, SHOWN, reason


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
        ("npx openapi-typescrypt document.json", ["openapi-typescrypt"]),
        ("python benchmarks/bench_jobs.py", [str(ROOT / "benchmarks/bench_jobs.py")]),
    ],
)
def test_what_is_not_there_is_found(command: str, faults: list[str]) -> None:
    assert missing(command) == faults


def test_a_target_that_is_not_there_is_found() -> None:
    (fault,) = missing("make demonstration")
    assert "demonstration" in fault


def test_every_alert_whose_section_shows_no_commands_sends_the_reader_elsewhere() -> None:
    rules = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]
    alerts = {rule["alert"] for group in rules for rule in group["rules"]}
    assert alerts - {shown.block.situation for shown in commands(RUNBOOK)} == {"ApiReplicaDown", "QueueTooLong"}
