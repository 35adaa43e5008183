"""A student of a big preset is measured on footage: every figure of the gate is there, or is missing and does not pass."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from held_out_footage import FRAMES, held_out
from places import LANDMARKER
from shrunken_models import PRESET, shrunken, write_encoders, write_student

from services.trainer.metrics.gate import FOOTAGE_RULES, compare
from services.trainer.release import measure


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("models")
    write_student(folder, {"encoders": write_encoders(folder)})
    with shrunken():
        yield folder


def measured(
    models: Path, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, object]]:
    words = ["measure", str(models), str(LANDMARKER), "4", str(FRAMES), "--preset", PRESET, "--data", str(place)]
    monkeypatch.setattr(sys, "argv", words)
    code = measure.main()
    *far, answer = map(json.loads, capsys.readouterr().out.splitlines())
    assert far == ([{"done": 1, "of": 2}, {"done": 2, "of": 2}] if code == 0 else [])
    return code, answer


@pytest.mark.slow
def test_a_big_student_that_has_learned_nothing_gets_every_figure_and_loses_to_one_that_has(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, figures = measured(models, held_out(tmp_path / "set"), monkeypatch, capsys)
    assert code == 0
    assert FOOTAGE_RULES.keys() <= figures.keys()
    assert (figures["clips"], figures["frames"], figures["split"], figures["syncnet"]) == (2, FRAMES, "test", None)
    assert figures["languages"] == ["x0", "x1"]
    good = {"r_open": 0.9, "r_width": 0.8, "mouth_error": 4.0}
    assert {"r_open", "r_width", "mouth_error"} <= set(compare(figures, {**figures, **good}, FOOTAGE_RULES).worse)


def test_models_that_cannot_be_loaded_are_told_by_a_code(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = measured(models / "nothing", held_out(tmp_path / "set"), monkeypatch, capsys)
    assert code == 1
    assert told["problem"]["code"] == "checkpoint_mismatch"  # type: ignore[index]
