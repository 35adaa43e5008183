"""The benchmarks run, what they write is what the tables are made of, and the document shows the committed figures."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
DOCUMENT = " ".join((ROOT / "docs" / "performance.md").read_text().split())
SESSION = (ROOT / "benchmarks" / "gpu_session.sh").read_text()


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


def test_the_gpu_session_ends_within_ten_minutes_and_asks_only_for_what_exists() -> None:
    always, optional = (
        re.findall(rf"^{indent}part (\d+) benchmarks/(\S+) (.*)$", SESSION, re.MULTILINE) for indent in ("", "  ")
    )
    assert (len(always), len(optional)) == (4, 1)
    assert sum(int(limit) for limit, _, _ in always) < 590
    (latest,) = re.findall(r"SECONDS < (\d+)", SESSION)
    assert int(latest) + sum(int(limit) for limit, _, _ in optional) < 590
    for _, script, arguments in always + optional:
        source = (ROOT / "benchmarks" / script).read_text()
        assert all(f'"{option}"' in source for option in re.findall(r"--\w+", arguments))


@pytest.mark.slow
def test_a_run_writes_every_figure_and_the_gpu_table_is_made_of_them(tmp_path: Path) -> None:
    arguments = ["--preset", "tiny", "--streams", "1", "--blocks", "1", "--fp8", "--out", str(tmp_path)]
    done = run("bench_generation.py", *arguments)
    assert done.returncode == 0, done.stderr
    for variant in ("", "_fp8"):
        found = json.loads((tmp_path / f"generation_tiny_cpu{variant}.json").read_text())
        assert set(found["parts_ms"]) == {"encode", "conditions", "step_1", "step_2", "context", "decode"}
        assert set(found["streams"]["1"]) == {
            "frames_per_second", "seconds_per_block", "peak_gib", "tflops", "share_of_ceiling"
        }  # fmt: skip
        assert found["first_frame_seconds"] > 0
        found["machine"]["gpu"] = "a GPU"
        (tmp_path / f"generation_tiny_cuda{variant}.json").write_text(json.dumps(found))
    assert found["psnr_against_bf16_db"] > 20
    table = run("gpu_table.py", str(tmp_path))
    assert table.returncode == 0, table.stderr
    plain = r"^\| tiny, bf16 \| a GPU \| [\d.]+ \| [\d.]+ over 1 \| [\d.]+ s \| [\d.]+ GiB \| \d+ % \|  \|$"
    assert re.search(plain, table.stdout, re.MULTILINE)
    assert re.search(r"^\| tiny, fp8 \| a GPU \|.* [\d.]+ dB \|$", table.stdout, re.MULTILINE)


@pytest.mark.slow
def test_a_few_steps_of_training_leave_seconds_and_memory_of_both_kinds_of_step(tmp_path: Path) -> None:
    done = run("bench_training.py", "--smoke", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "smoke_training_sf_1_3b_cpu.json").read_text())
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
    assert memory["peak"]["process"] >= memory["built"]["process"] > 0
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
