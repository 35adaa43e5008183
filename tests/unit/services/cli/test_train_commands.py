"""``dubline train`` without a server: how settings are read, how events are shown, and the plan of a dry run."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from dubbing.errors import InvalidSetting
from services.cli import train_commands
from services.cli.client import Refused, _events


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("steps=7", ("steps", 7)),
        ("lr=1e-3", ("lr", 1e-3)),
        ("half=true", ("half", True)),
        ("name=abc", ("name", "abc")),
        ("betas=[0.9, 0.95]", ("betas", [0.9, 0.95])),
        ("text=a=b", ("text", "a=b")),
    ],
)
def test_a_setting_is_read_as_json_or_else_as_text(text: str, expected: tuple[str, Any]) -> None:
    assert train_commands._setting(text) == expected


@pytest.mark.parametrize("text", ["steps", "=7", ""])
def test_what_is_no_setting_is_refused(text: str) -> None:
    with pytest.raises(InvalidSetting, match="is not NAME=VALUE"):
        train_commands._setting(text)


def test_a_stream_is_read_event_by_event_past_comments_and_the_reconnection_time() -> None:
    first, second = 'id: 3\nevent: run.queued\ndata: {"at": "x"}\n\n', 'id: 4\nevent: run.stopped\ndata: {"step": 2}\n\n'
    text = f"retry: 1000\n\n{first}: alive\n\n{second}"
    lines = text.splitlines()
    assert list(_events(iter(lines))) == [("3", "run.queued", {"at": "x"}), ("4", "run.stopped", {"step": 2})]


def test_a_line_of_metrics_shows_parts_norm_rate_and_time_left() -> None:
    data = {"at": "2026-01-01T00:00:00+00:00", "step": 3, "parts": {"x0": 0.25, "shape": None}, "gradient": 1.5,
            "samples_per_second": 2.0, "eta_seconds": 61.4}  # fmt: skip
    assert train_commands._line("run.metrics", data) == (
        "2026-01-01T00:00:00  step 3  x0 0.25000  gradient 1.5000  2.00 samples/s  61 s left"
    )
    assert "skipped" in train_commands._line("run.metrics", {**data, "gradient": None})
    rendering = {"at": data["at"], "what": "rendering speakers", "done": 40, "of": 480}
    assert train_commands._line("run.preparing", rendering) == "2026-01-01T00:00:00  rendering speakers  40 of 480"
    assert (
        train_commands._line("run.checkpoint", {"at": data["at"], "step": 3}) == '2026-01-01T00:00:00  checkpoint  {"step": 3}'
    )


def test_a_version_that_is_being_measured_says_how_far_it_is_and_how_long_the_rest_takes() -> None:
    progress = {"model": "candidate", "done": 3, "of": 24, "eta_seconds": 70.5}
    assert train_commands._line("version.measuring", progress) == "measuring the candidate  3 of 24 clips  70 s left"


@pytest.mark.slow
def test_a_dry_run_prints_the_plan_and_needs_no_server() -> None:
    done = CliRunner().invoke(train_commands.app, ["start", "selftest", "--set", "steps=5", "--dry-run", "--json"])
    plan = json.loads(done.stdout)
    assert plan["steps"] == 5
    assert {"parameters", "memory_per_gpu", "shards", "gpu_hours"} <= plan.keys()
    refused = CliRunner().invoke(train_commands.app, ["start", "selftest", "--set", "stepz=5", "--dry-run"])
    assert isinstance(refused.exception, Refused)
    assert refused.exception.code == "unknown_setting"
    assert refused.exception.is_bad_input
