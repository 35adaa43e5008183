"""A chain of runs without database, queue and store."""

import json
from pathlib import Path
from typing import Any

import psutil
import pytest

from dubbing import clock
from dubbing.domain.training import LegEnd, in_order
from dubbing.errors import CheckpointMismatch, DublineError, InvalidSetting, UnknownRecipe
from services.trainer.runtime.chain import ChainRunner, FinishedRun, said
from services.trainer.runtime.outbox import Order, Outbox

SETTINGS = {"steps": 40, "batch": 2}


class Told:
    """What a chain told, and what is done when it tells a kind of event."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.on: dict[str, Any] = {}

    def __call__(self, name: str, event: dict[str, Any]) -> None:
        self.events.append({"recipe": name, **event})
        self.on.get(event["kind"], lambda: None)()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["kind"] == kind]


def make(out: Path, told: Told, settings: dict[str, Any] = SETTINGS, processes: int = 1) -> FinishedRun:
    return ChainRunner(out, Path("model_repo"), settings, processes, told).make("selftest")


def test_an_order_of_an_earlier_version_is_refused_with_the_new_name(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "selftest")
    outbox.folder.mkdir()
    outbox.give_order(Order(run_id="run_x", recipe="selftest", settings=SETTINGS, cache=tmp_path, models=tmp_path))
    order = json.loads((outbox.folder / "order.json").read_text())
    order["starts"] = order.pop("init_from")
    (outbox.folder / "order.json").write_text(json.dumps(order))
    with pytest.raises(CheckpointMismatch, match="says starts, which is now called init_from") as raised:
        make(tmp_path, Told())
    assert raised.value.suggestions
    assert json.loads((outbox.folder / "order.json").read_text()) == order, "nothing of it was touched"


def test_a_run_that_was_stopped_goes_on_where_it_was_and_a_finished_one_is_kept(tmp_path: Path) -> None:
    told = Told()
    told.on["began"] = lambda: Outbox(tmp_path / "selftest").ask_to_stop(LegEnd.STOPPED)
    with pytest.raises(DublineError, match="ended before their work was done"):
        make(tmp_path, told)
    stopped = told.of("end")[0]["step"]
    assert 0 < stopped < SETTINGS["steps"]

    interrupted = Told()
    interrupted.on["began"] = lambda: _raise(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, interrupted)
    assert interrupted.of("began")[0]["step"] == stopped

    again = Told()
    made = make(tmp_path, again)
    assert again.of("began")[0]["step"] == stopped
    assert again.of("end")[0]["step"] == SETTINGS["steps"]
    assert [event["step"] for event in again.of("metrics")] == list(range(stopped + 1, SETTINGS["steps"] + 1)), "every step"
    assert list((tmp_path / "tensorboard" / "selftest").iterdir()), "curves lie beside the runs"
    assert (made.candidate / "lip_student_tiny" / "1" / "model.safetensors").exists()
    kinds = [event["kind"] for event in Outbox(tmp_path / "selftest").recorded()]
    assert kinds.count("began") == 3, "the events of all attempts are kept"
    assert not (tmp_path / "selftest" / "checkpoints").exists(), "what only a resumed run needs is gone"

    third = Told()
    assert make(tmp_path, third) == made
    assert [event["kind"] for event in third.events] == ["found"]


def test_every_step_is_said_in_a_line_with_the_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    say = said(clock.monotonic(), seldom=60.0)
    for step in (1, 2, 3):
        say(
            "df_tiny", {"kind": "metrics", "step": step, "parts": {"loss": 0.5}, "samples_per_second": 4.0, "eta_seconds": 90.0}
        )
        say("df_tiny", {"kind": "preparing", "what": "rendering", "done": step, "of": 9})
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("step ")[1] for line in lines if "step" in line] == [
        f"{step}  loss 0.50000  4.0 samples/s  90 s left" for step in (1, 2, 3)
    ]
    assert sum("rendering" in line for line in lines) == 1, "how far preparing is, is said seldom"


def _raise(error: type[BaseException]) -> None:
    raise error


def test_what_a_run_gives_up_for_is_told(tmp_path: Path) -> None:
    with pytest.raises(DublineError) as raised:
        ChainRunner(tmp_path, tmp_path / "nowhere", {"steps": 1}, 1, Told()).make("teacher_tiny")
    assert "encoders" in raised.value.detail


def test_settings_and_recipes_that_nobody_knows_are_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="has a setting 'speed'"):
        make(tmp_path, Told(), {"speed": 1})
    with pytest.raises(UnknownRecipe):
        ChainRunner(tmp_path, Path("model_repo"), {}, 1, Told()).make("sf_2b")
    assert not list(tmp_path.iterdir())


def test_a_chain_runs_everything_once_and_first_what_others_start_from() -> None:
    starts = {"teacher": (), "df": ("teacher",), "sf": ("df", "teacher")}
    assert in_order("sf", starts) == ["teacher", "df", "sf"]
    assert in_order("teacher", starts) == ["teacher"]


def test_processes_of_a_run_find_each_other_without_a_port_that_others_reach(tmp_path: Path) -> None:
    told, listening = Told(), []
    others = set(psutil.Process().children(recursive=True))  # servers of tests before this one

    def look() -> None:
        for process in set(psutil.Process().children(recursive=True)) - others:
            ports = [socket.laddr.ip for socket in process.net_connections("inet") if socket.status == psutil.CONN_LISTEN]
            listening.append(ports)

    told.on["began"] = look
    make(tmp_path, told, {"steps": 2, "batch": 2}, processes=2)
    # Of torchrun none; of each rank one, by which Gloo reaches its peers, and that on loopback.
    assert [ports for ports in listening if ports] == [["127.0.0.1"], ["127.0.0.1"]]
