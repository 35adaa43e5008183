"""The committed demonstration model, measured as the server runs it on people, voices and languages that it never saw."""

import json
from typing import Any

import pytest
from one_process import in_this_process
from places import LANDMARKER, ROOT

from lipforcing.contract import STUDENTS
from services.trainer.evaluation.speakers import HeldOut, evaluate
from synthetic.splits import Split

MODELS = ROOT / "model_repo"
CLIPS = 2  # of those that were recorded

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    manifest = json.loads((MODELS / STUDENTS["tiny"].student / "1" / "model.json").read_text())
    assert manifest["demo"] is True
    figures: dict[str, Any] = manifest["metrics"]["test"]
    return figures


@pytest.fixture(scope="module")
def measured(recorded: dict[str, Any]) -> dict[str, Any]:
    """The first clips of the recorded measurement, measured again."""
    with in_this_process():
        return evaluate(MODELS, LANDMARKER, HeldOut(Split.TEST, CLIPS, recorded["frames"], recorded["seed"]))


def test_the_manifest_tells_what_is_measured(recorded: dict[str, Any], measured: dict[str, Any]) -> None:
    assert measured["each"]["r_open"] == pytest.approx(recorded["each"]["r_open"][:CLIPS], abs=0.03)
    assert measured["each"]["r_width"] == pytest.approx(recorded["each"]["r_width"][:CLIPS], abs=0.06)
    for name in ("r_open", "r_width"):
        assert recorded[name] == pytest.approx(sum(recorded["each"][name]) / recorded["clips"], abs=1e-3)


def test_the_mouth_follows_the_speech_on_time(recorded: dict[str, Any], measured: dict[str, Any]) -> None:
    assert recorded["r_open"] >= 0.85
    assert recorded["r_width"] >= 0.75
    assert measured["r_open"] >= 0.85
    assert measured["r_width"] >= 0.75
    assert measured["r_swapped"] >= 0.75
    assert measured["lag_within_1"] >= 0.95
    assert measured["late_lag_2_to_4"] >= 0.95


def test_the_mouth_does_not_follow_the_footage_or_other_speech(measured: dict[str, Any]) -> None:
    assert abs(measured["r_wrong"]) <= 0.2
    assert abs(measured["r_swapped_leak"]) <= 0.2


def test_silence_closes_the_mouth(measured: dict[str, Any]) -> None:
    assert measured["silence"] <= 0.35 * measured["mean_open"]


def test_nothing_outside_the_mouth_region_changes(measured: dict[str, Any]) -> None:
    assert measured["untouched"] == 1.0


def test_figures_do_not_depend_on_how_many_processes_share_the_clips() -> None:
    held = HeldOut(Split.DEV, 2, 21, 3)
    two = evaluate(MODELS, LANDMARKER, held, processes=2)
    with in_this_process():
        assert evaluate(MODELS, LANDMARKER, held) == two
