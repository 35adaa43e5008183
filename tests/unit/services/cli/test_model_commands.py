"""Commands whose work runs in a process of its own: the words they pass on, and its exit code."""

from pathlib import Path
from typing import NoReturn

import pytest
import typer
from typer.testing import CliRunner

from services.cli import data, evaluate, module, trajectory
from services.cli.main import build


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    words: list[tuple[str, ...]] = []

    def note(*given: str) -> NoReturn:
        words.append(given)
        raise typer.Exit(0)

    for owner in (data, evaluate, trajectory):
        monkeypatch.setattr(owner, "run_module", note)
    return words


def test_preparing_passes_on_what_was_given_and_nothing_else(passed: list[tuple[str, ...]]) -> None:
    line = ["data", "prepare", "in", "--out", "s3://b/p", "--consent", "form-7", "--limit", "eyes=30", "--limit", "turn=0.1"]
    assert CliRunner().invoke(build(), line).exit_code == 0
    assert passed == [("services.trainer.footage", "in", "--out", "s3://b/p", "--consent", "form-7", "--workers", "1", "--crop",
                       "128", "--limit", "eyes=30", "--limit", "turn=0.1")]  # fmt: skip


def test_evaluating_passes_on_its_seed_split_and_incumbent(passed: list[tuple[str, ...]]) -> None:
    line = ["evaluate", "tiny", "--split", "test", "--seed", "3", "--against", "old", "-o", "out"]
    assert CliRunner().invoke(build(), line).exit_code == 0
    (words,) = passed
    assert words[:2] == ("services.trainer.evaluation", "tiny")
    assert dict(zip(words[2::2], words[3::2], strict=True)) == {
        "--split": "test", "--clips": "24", "--frames": "81", "--seed": "3", "--against": "old", "--out": "out",
    }  # fmt: skip


def test_analysing_a_trajectory_passes_on_teacher_syncnet_and_clips(passed: list[tuple[str, ...]]) -> None:
    line = ["analyse-trajectory", "--model", "teacher", "--syncnet", "s.safetensors", "--clips", "4", "-o", "out"]
    assert CliRunner().invoke(build(), line).exit_code == 0
    (words,) = passed
    assert words[0] == "studies.trajectory"
    assert dict(zip(words[1::2], words[2::2], strict=True)) == {
        "--model": "teacher", "--syncnet": "s.safetensors", "--out": "out", "--clips": "4", "--frames": "33", "--seed": "42",
        "--guidance": "2.0", "--steps": "50", "--encoders": "1",
    }  # fmt: skip


def test_the_exit_code_is_the_childs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ends_with_two.py").write_text("import sys\nsys.exit(2 if sys.argv[1:] == ['a b'] else 3)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(typer.Exit) as caught:
        module.run_module("ends_with_two", "a b")
    assert caught.value.exit_code == 2
