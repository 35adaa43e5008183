"""The README's honest table shows the figures of the weights that are committed."""

import json
import re
from typing import Any

import pytest
from places import ROOT

README = (ROOT / "README.md").read_text()
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
    shown = re.search(rf"^\| {re.escape(label)} \| ([^|]+) \|", README, re.MULTILINE)
    assert shown is not None
    assert shown[1] == ROWS[label]


def test_the_text_says_whether_the_goal_was_reached() -> None:
    assert ("has not reached the goal" in README) is not METRICS["goal"]["reached"]


def test_the_size_of_the_measurement_is_told() -> None:
    assert f"{TEST['clips']} clips of {TEST['frames']} frames" in " ".join(README.split())
