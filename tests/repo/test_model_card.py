"""The model card shows the figures of the weights that are committed."""

import json
import re
from typing import Any

import pytest
from places import ROOT

CARD = (ROOT / "docs/results/model-card.md").read_text()
METRICS: dict[str, Any] = json.loads((ROOT / "model_repo/lip_student_tiny/1/model.json").read_text())["metrics"]
TEST: dict[str, Any] = METRICS["test"]
ROWS = {
    "opening of the mouth, correlation with the true one": f"{TEST['r_open']:.2f}",
    "the worst clip": f"{TEST['r_open_worst']:.2f}",
    "width of the mouth, correlation": f"{TEST['r_width']:.2f}",
    "best lag within one frame": f"{TEST['lag_within_1']:.0%}".replace("%", " %"),
    "correlation with another clip's track": f"{TEST['r_wrong']:.2f}",
    "opening in silence": f"{TEST['silence']:.2f}",
    "untouched pixels outside the mask": f"{TEST['untouched']:.0%}".replace("%", " %"),
}


@pytest.mark.parametrize("label", ROWS)
def test_a_row_shows_the_figure_of_the_weights(label: str) -> None:
    shown = re.search(rf"^\| {re.escape(label)} \| ([^|]+) \|", CARD, re.MULTILINE)
    assert shown is not None
    assert shown[1] == ROWS[label]


def test_goals_are_called_reached_only_if_they_are() -> None:
    assert METRICS["goal"]["reached"]
    for name, label in (("r_open", "opening of the mouth"), ("r_width", "width of the mouth")):
        shown = re.search(rf"^\| {label}.*goal ([\d.]+)", CARD, re.MULTILINE)
        assert shown is not None
        assert float(shown[1].rstrip(".")) == METRICS["goal"][name] <= TEST[name]


def test_the_size_of_the_measurement_is_told() -> None:
    assert f"{TEST['clips']} clips of {TEST['frames']} frames" in " ".join(CARD.split())
