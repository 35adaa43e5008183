"""The benchmarks run, what they write is what the tables are made of, and the document shows the committed figures."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import Any

import gpu_table
import models
import pytest
import session
import torch
from operations import block_flops, decoder_flops, encoder_flops, ratio
from places import ROOT
from recorder import Recorder, rehearsal
from report import Session

from lipforcing.presets import PRESETS, TEACHERS
from lipforcing.vae.taew import Taew
from lipforcing.vae.wan import WanVae
from services.worker import prepare

RESULTS = ROOT / "benchmarks" / "results"
DOCUMENT = " ".join((ROOT / "docs" / "results" / "performance.md").read_text().split())
SESSION = (ROOT / "benchmarks" / "gpu_session.sh").read_text()


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def result(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    return found


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": "shared:.", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, f"benchmarks/{script}", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_the_document_shows_the_committed_figures_of_the_demonstration_model() -> None:
    found, speedup = result("generation_tiny_cpu"), result("speedup_tiny_cpu")
    streams = {int(count): row["frames_per_second"] for count, row in found["streams"].items()}
    best = max(streams, key=streams.__getitem__)
    row = f"| {streams[1]} | {streams[best]} over {best} | {found['first_frame_seconds']:.2f} s | {speedup['speedup']}x |"
    assert row in DOCUMENT
    parts = found["parts_ms"]
    said = (
        f"encoding both streams {parts['encode']:.0f}, conditions {parts['conditions']:.1f}, step 1 {parts['step_1']:.0f}, "
        f"step 2 {parts['step_2']:.0f}, context {parts['context']:.0f}, decoding {parts['decode']:.0f}"
    )
    assert said in DOCUMENT
    assert f"{speedup['teacher_seconds']} s for 81 frames, the student {speedup['student_seconds']} s" in DOCUMENT


def test_the_document_shows_what_windows_of_speech_cost_a_long_track() -> None:
    names = ("all", "seams", "first second", "last second")
    for seconds, errors in result("speech_windows_cpu")["seconds"].items():
        shown = " | ".join(f"{100 * errors[name]:.1f}" if name in errors else "" for name in names)
        assert re.search(rf"\| {seconds} s \| [\d.]+ \| [\d.]+ \| {re.escape(' '.join(shown.split()))} \|", DOCUMENT), seconds


def test_the_paper_stands_beside_our_figures() -> None:
    for figure in ("31.58", "15.11", "0.32 s", "0.54 s", "17.6x", "39.8x"):
        assert figure in DOCUMENT


def test_both_clocks_have_their_operations_and_their_ratio() -> None:
    """Counted from the shapes of the true sizes; the document says the same."""
    encoder, decoder = encoder_flops(WanVae, 512), decoder_flops(Taew, 64)
    blocks = {size: block_flops(PRESETS[size]) for size in ("1.3b", "14b")}
    assert f"{encoder * 1e-12:.1f} TFLOP, decoding it {decoder * 1e-12:.2f}" in DOCUMENT
    assert f"1.3B block takes {blocks['1.3b'] * 1e-12:.1f}, a 14B one {blocks['14b'] * 1e-12:.1f}" in DOCUMENT
    plain, whole = ([round(ratio(TEACHERS[s], PRESETS[s], 7, c), 1) for s in blocks] for c in (decoder, decoder + encoder))
    assert (plain, whole) == ([54.8, 46.5], [29.9, 41.8])
    assert f"{plain[0]} (1.3B) and {plain[1]} times (14B)" in DOCUMENT
    assert f"{whole[0]} and {whole[1]} times with encoding" in DOCUMENT


def test_a_chunk_is_the_one_that_production_sends() -> None:
    assert prepare._CHUNK_BLOCKS == models.CHUNK


def test_every_part_ends_within_its_time_and_the_first_three_within_theirs() -> None:
    limits = [limit for limit, _ in session.PARTS.values()]
    assert all(limit < 150 for limit in limits)
    assert sum(limits[:3]) <= 400
    assert re.findall(r"^#   (\S.*?)(?: {3}.*)?$", SESSION, re.MULTILINE)[:4] == [
        "1.3b  14b  14b-fp8", "speedup", "1.3b-over-8", "compile  16-streams  training",
    ]  # fmt: skip
    assert [*session.PARTS] == ["1.3b", "14b", "14b-fp8", "speedup", "1.3b-over-8", "compile", "16-streams", "training"]


def rehearse(part: str, out: Path, seen: Recorder) -> tuple[bool, list[dict[str, Any]]]:
    well = session.run(part, out, seen)
    return well, json.loads((out / "session.json").read_text())["rows"]


@pytest.mark.parametrize("part", [part for part in session.PARTS if part != "training"])
def test_every_part_is_rehearsed_through_its_graphs_and_streams(part: str, tmp_path: Path) -> None:
    with rehearsal() as seen:
        well, rows = rehearse(part, tmp_path, seen)
    assert well
    assert seen.captures > 0
    assert seen.replays > 0
    assert seen.streams > 0
    assert seen.waits > 0
    assert {row["part"] for row in rows} == {part}
    wanted = [line for line in gpu_table.LINES if line.part == part]
    found = {row["name"]: row for row in rows}
    assert all(found[line.name][line.figure] >= 0 for line in wanted)
    assert wanted or rows
    rates = [row for row in rows if "frames_per_second" in row]
    assert all(row["frames_per_second"] > 0 and row["replayed"] == 1.0 for row in rates)


def test_a_part_that_fails_keeps_its_rows_and_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measuring(stage: session.Stage, part: str) -> None:
        stage.session.add(part, "first", seconds=1.0)
        if part == broken:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        stage.session.add(part, "second", seconds=2.0)

    monkeypatch.setattr(session, "PARTS", {"one": (1, measuring), "two": (1, measuring)})
    with rehearsal() as seen:
        broken = "one"
        assert not rehearse("one", tmp_path, seen)[0]
        well, rows = rehearse("two", tmp_path, seen)
        assert well
        assert [(row["part"], row["name"]) for row in rows] == [
            ("one", "first"), ("one", "failed"), ("two", "first"), ("two", "second"),
        ]  # fmt: skip
        assert rows[1]["reason"] == "OutOfMemoryError: CUDA out of memory."
        broken = ""
        well, rows = rehearse("one", tmp_path, seen)
    assert well
    assert "failed" not in [row["name"] for row in rows]


def test_a_row_is_on_disk_before_the_next_is_measured_and_names_commit_and_machine(tmp_path: Path) -> None:
    file = tmp_path / "session.json"
    kept = Session(file, {"commit": "abc", "cpu": "a CPU"})
    for number in (1, 2):
        kept.add("part", f"row {number}", frames_per_second=number)
        found = json.loads(file.read_text())
        assert len(found["rows"]) == number
    Session(file, {"commit": "def", "cpu": "a CPU"}).add("part", "row 2", frames_per_second=3)
    found = json.loads(file.read_text())
    assert [(row["name"], row["frames_per_second"], row["commit"]) for row in found["rows"]] == [
        ("row 1", 1, "abc"), ("row 2", 3, "def"),
    ]  # fmt: skip
    assert (found["commit"], found["machine"]["cpu"]) == ("def", "a CPU")


def test_the_session_runs_chosen_parts_and_leaves_two_files(tmp_path: Path) -> None:
    command = ["benchmarks/gpu_session.sh", "--rehearse", "--parts", "no-such,16-streams", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}, check=False)
    assert done.returncode == 1
    assert {path.name for path in tmp_path.iterdir()} == {"session.json", "session.log"}
    log = (tmp_path / "session.log").read_text()
    assert "no part is called no-such; there are: 1.3b 14b" in log
    assert {row["part"] for row in json.loads((tmp_path / "session.json").read_text())["rows"]} == {"16-streams"}
    assert "rehearsed: " in log


def test_every_part_runs_with_torch_numpy_and_safetensors_alone() -> None:
    """What else is installed here is hidden, as on a machine that has a GPU and little beside it."""
    allowed, waiting = set[str](), ["torch", "numpy", "safetensors"]
    while waiting:
        name = canonical(waiting.pop())
        if name not in allowed:
            allowed.add(name)
            needs = requires(name) or []
            waiting += [re.split(r"[^\w.-]", need)[0] for need in needs if "extra ==" not in need]
    hidden = [name for name, owners in packages_distributions().items() if not {canonical(one) for one in owners} & allowed]
    assert {"structlog", "pydantic", "scipy", "celery"} <= set(hidden)
    gone = sorted(set(hidden) - {"dubbing", "lipforcing", "services"})
    code = f"import sys; sys.modules.update(dict.fromkeys({gone})); import session, bench_training, gpu_table"
    environment = {**os.environ, "PYTHONPATH": "shared:.:benchmarks"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_document_holds_the_table_of_the_committed_session() -> None:
    file = RESULTS / "session.json"
    text = (ROOT / "docs" / "results" / "performance.md").read_text()
    assert gpu_table.filled(text, json.loads(file.read_text()) if file.exists() else None) == text


def test_the_table_fills_itself_and_strikes_out_rows_of_another_commit(tmp_path: Path) -> None:
    file, where = (
        tmp_path / "session.json",
        {"cpu": "a CPU", "gpu": "NVIDIA H200", "torch": "2.11.0", "cuda": "13.0", "driver": "580"},
    )
    old = Session(file, {"commit": "old", **where})
    old.add("1.3b", "first frame", seconds=0.21)
    old.add("1.3b", f"1 lane, {session.NETWORK}", frames_per_second=111.0)
    new = Session(file, {"commit": "new", **where})
    new.add("1.3b", f"1 lane, {session.NETWORK}", frames_per_second=125.5)
    new.add("14b", f"1 lane, {session.NETWORK}", does_not_fit=True)
    new.add("speedup", "1.3b", speedup=25.0, operations_ratio=30.0)
    new.add("16-streams", "16 endless lanes", frames_per_second=210.0, model="1.3b")
    shown = gpu_table.table(json.loads(file.read_text())).splitlines()
    assert shown[0] == "Measured at commit new on NVIDIA H200 (torch 2.11.0, CUDA 13.0, driver 580)."
    assert "| 1.3B, 1 lane | network and decoder |  | 120 | 125.5 frames/s |" in shown
    assert "| ~~1.3B, first frame~~ | ~~from crops~~ | ~~0.32 s~~ | ~~0.20 s~~ | ~~0.21 s~~ |" in shown
    assert "| 14B, 1 lane | network and decoder |  | 25 | does not fit |" in shown
    assert any(line.endswith("| 25.0x (0.83 of the 30.0 of operations) |") for line in shown)
    assert "| 16-streams | 16 endless lanes | frames per second 210.0 |" in shown
    assert sum("not measured" in line for line in shown) == len(gpu_table.LINES) - 4


@pytest.mark.slow
def test_a_run_writes_every_figure(tmp_path: Path) -> None:
    done = run("bench_generation.py", "--preset", "tiny", "--streams", "1", "--blocks", "1", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "generation_tiny_cpu.json").read_text())
    assert set(found["parts_ms"]) == {"encode", "conditions", "step_1", "step_2", "context", "decode"}
    figures = {"frames_per_second", "seconds_per_block", "peak_gib", "tflops", "share_of_ceiling", "replayed"}
    assert set(found["streams"]["1"]) == figures
    assert set(found["chunks"]["1"]) == figures | {"kept_frames_per_second"}
    assert found["first_frame_seconds"] > 0


@pytest.mark.slow
def test_a_few_steps_of_training_leave_seconds_and_memory_of_both_kinds_of_step(tmp_path: Path) -> None:
    done = run("session.py", "training", "--rehearse", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (found,) = json.loads((tmp_path / "session.json").read_text())["rows"]
    assert found["complete"]
    assert not found["untaught"]
    updates = [step for step in found["steps"] if step["student"]]
    assert [(step["guided"], step["exit_step"]) for step in updates] == [(False, 0), (True, 1)]
    assert [step["exit_step"] for step in found["steps"] if not step["student"]] == 4 * [0, 1]
    assert {"critic/loss", "critic/gradient", "student/loss", "student/gradient", "reward/mean"} <= set(updates[-1]["figures"])
    assert found["student_sample_seconds"] > found["critic_sample_seconds"] > 0
    run_of_all = found["run"]
    assert (run_of_all["steps"], run_of_all["batch"], run_of_all["gpus"]) == (600, 64, 8)
    assert run_of_all["gpu_hours"] == pytest.approx(600 * 64 / found["samples_per_second"] / 3600, rel=0.01)
    memory = found["memory_gib"]
    assert memory["peak"]["process"] >= memory["built"]["process"]
    assert set(memory["planned"]) == {"student", "critic", "teacher", "activations", "copies", "sum"}
    assert {"rollout_of_1", "rollout_of_2", "teacher_pass", "reward"} <= set(found["parts_seconds"])


@pytest.mark.slow
def test_training_that_is_none_gives_no_seconds(tmp_path: Path) -> None:
    spoilt = (
        "import bench_training, torch\n"
        "bench_training.Drawn.__getitem__ = lambda self, name: torch.full(self._shapes[name], float('nan'))\n"
        "bench_training.main()\n"
    )
    (tmp_path / "spoilt.py").write_text(spoilt)
    environment = {**os.environ, "PYTHONPATH": "shared:.:benchmarks", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(tmp_path / "spoilt.py"), "--smoke", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "step 2 is no training" in done.stderr
    found = json.loads((tmp_path / "smoke_training_sf_1_3b_cpu.json").read_text())
    assert set(found) == {"machine", "recipe", "failed"}


def test_the_document_shows_how_often_unrelated_sound_passes_and_a_loss_is_told() -> None:
    drawn, footage = result("agreement_drawn")["rows"], result("agreement_footage")["rows"]
    for row in [*drawn, *footage]:
        if row["kind"] == "shifted":  # as unrelated as another's
            continue
        shown = f"{100 * row['passed']:.1f} %"
        if "score" in row:
            shown += f"; {row['score']['0.5']:.2f}, {row['score']['0.95']:.2f}"
        assert f"| {shown} |" in DOCUMENT, row
