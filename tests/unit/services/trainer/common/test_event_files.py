"""Event files of a run, read back with TensorBoard's own reader."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from places import ROOT
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from services.trainer.common.event_files import EventFiles
from services.trainer.common.group import Group
from services.trainer.runtime.outbox import Order, Outbox
from services.trainer.runtime.rank import Rank

STEPS, KILLED_AT, GOES_ON_FROM = 12, 6, 2


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small steps on all cores wait for whoever else uses these."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def curve(folder: Path, tag: str) -> dict[int, float]:
    """Value by step; a step that stands twice fails."""
    read = EventAccumulator(str(folder))
    read.Reload()
    scalars = read.Scalars(tag)
    steps = [one.step for one in scalars]
    assert len(steps) == len(set(steps)), f"doubled steps: {steps}"
    return {one.step: one.value for one in scalars}


def order(folder: Path, **changed: object) -> Outbox:
    folder.mkdir()
    outbox = Outbox(folder)
    outbox.give_order(
        Order(
            run_id="run_1", recipe="selftest", settings={"steps": STEPS}, cache=folder, models=ROOT / "model_repo",
            checkpoint_every=0.0, metrics_every=0.0, **changed,  # type: ignore[arg-type]
        )
    )  # fmt: skip
    return outbox


def killed_at(outbox: Outbox, step: int) -> None:
    """Run the order in a process of its own, and kill it when it has told of a step."""
    command = [sys.executable, "-m", "services.trainer.runtime.rank", str(outbox.folder)]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}) as process:
        for event in outbox.events():
            if event is None:
                assert process.poll() is None, "it ended by itself"
                time.sleep(0.01)
            elif event["kind"] == "metrics" and event["step"] == step:
                break
        process.send_signal(signal.SIGKILL)


@pytest.mark.slow
def test_a_run_that_was_killed_and_went_on_has_every_step_once_and_the_same_numbers(tmp_path: Path) -> None:
    whole, files = order(tmp_path / "whole", event_files=tmp_path / "one"), tmp_path / "two"
    Rank(whole, whole.order(), Group()).run()

    killed = order(tmp_path / "killed", event_files=files)
    killed_at(killed, KILLED_AT)
    assert max(curve(files, "gradient_norm/largest")) >= KILLED_AT, "what was written before the kill is there"
    checkpoint = killed.folder / "checkpoints" / f"step-{GOES_ON_FROM:09d}"
    again = order(tmp_path / "again", event_files=files, checkpoint=checkpoint)
    Rank(again, again.order(), Group()).run()

    read = EventAccumulator(str(tmp_path / "one"))
    tags = read.Reload().Tags()["scalars"]
    assert "gradient_norm/largest" in tags
    for tag in tags:
        assert curve(files, tag) == curve(tmp_path / "one", tag)
        assert sorted(curve(files, tag)) == list(range(1, STEPS + 1))


def test_figures_of_networks_stand_together_and_a_sheet_is_the_picture_itself(tmp_path: Path) -> None:
    Image.fromarray(np.full((6, 9, 3), 7, np.uint8)).save(tmp_path / "sheet.png")
    files = EventFiles(tmp_path / "run", 4)
    files.figures(5, {"loss": 0.5, "network/rate": 0.25, "critic/gradient": 2.0, "reward/mean": None})
    files.sheet(5, tmp_path / "sheet.png")
    read = EventAccumulator(str(tmp_path / "run"))
    read.Reload()
    assert set(read.Tags()["scalars"]) == {"loss", "learning_rate/network", "gradient_norm/critic"}
    image = read.Images("contact_sheet")[0]
    assert (image.step, image.width, image.height) == (5, 9, 6)
    assert image.encoded_image_string == (tmp_path / "sheet.png").read_bytes()


def test_what_is_added_afterwards_takes_nothing_away(tmp_path: Path) -> None:
    EventFiles(tmp_path, 0).figures(3, {"loss": 0.5})
    EventFiles(tmp_path).figures(3, {"gate/r_open": 0.75})
    assert (curve(tmp_path, "loss"), curve(tmp_path, "gate/r_open")) == ({3: 0.5}, {3: 0.75})


def test_a_folder_that_cannot_be_written_costs_the_curves_and_not_the_run(tmp_path: Path) -> None:
    (tmp_path / "full").write_text("no folder")
    files = EventFiles(tmp_path / "full" / "run", 0)
    files.figures(1, {"loss": 0.5})
    assert (tmp_path / "full").read_text() == "no folder"
