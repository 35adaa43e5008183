"""Learning curves from the folders of runs."""

from pathlib import Path

import numpy as np
import pytest

from services.trainer.runtime.outbox import Order, Outbox
from studies import curves


def chain(folder: Path, recipe: str, settings: dict[str, int], losses: list[float | None]) -> Path:
    (folder / recipe).mkdir(parents=True)
    outbox = Outbox(folder / recipe)
    outbox.give_order(Order(run_id="run_1", recipe=recipe, settings=settings, cache=folder, models=folder))
    outbox.tell("began", {"step": 0})
    for step, loss in enumerate(losses, 1):
        outbox.tell("metrics", {"step": step, "parts": {"loss": loss, "network/rate": 1e-3}})
    return folder


def test_a_curve_counts_clips_and_leaves_out_what_was_no_number(tmp_path: Path) -> None:
    settings = {"batch": 4, "micro": 4}
    clips, values = curves.curve(chain(tmp_path, "df_tiny", settings, [5.0, None, 1.0, 3.0]) / "df_tiny", "loss")
    assert clips.tolist() == [4, 12, 16]
    assert values.tolist() == [3.0, 3.0, 3.0], "running medians over more entries than there are"
    batch = 8  # the recipe's own
    assert curves.curve(chain(tmp_path / "plain", "df_tiny", {}, [1.0]) / "df_tiny", "loss")[0].tolist() == [batch]


def test_chains_are_drawn_side_by_side_and_a_folder_without_runs_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, out = chain(tmp_path / "runs", "teacher_tiny", {}, list(np.linspace(2, 1, 30))), tmp_path / "curves.png"
    assert curves.main([str(out), f"here={runs}"]) == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    assert curves.main([str(out), f"nothing={tmp_path / 'absent'}"]) == 2
    assert "dubline train alone" in capsys.readouterr().err
