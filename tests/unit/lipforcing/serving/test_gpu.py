"""Where models compute: a GPU that PyTorch does not see is never replaced in silence, and a lost one ends the server."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lipforcing.serving import gpu

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build for CUDA 13 that sees no GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(gpu, "_DRIVER", Path("/nowhere"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kernel says where NVIDIA's driver is loaded."""
    lines = (
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.15  Release Build",
        "GCC version:  gcc version 12.2.0",
    )
    (tmp_path / "version").write_text("\n".join(lines))
    monkeypatch.setattr(gpu, "_DRIVER", tmp_path / "version")


@pytest.mark.usefixtures("driver")
def test_a_gpu_instance_of_a_large_model_is_refused_with_every_version() -> None:
    said = f"torch {torch.__version__} (CUDA 13.0) sees no GPU (driver 550.54.15)"
    with pytest.raises(gpu.NoGpuError, match=re.escape(said)):
        gpu.device_for("GPU", 0, demo=False)


def test_a_demonstration_model_computes_on_the_cpu_all_the_same_and_says_why() -> None:
    device, odd = gpu.device_for("GPU", 0, demo=True)
    assert device == CPU
    assert odd == f"a GPU instance on the CPU: torch {torch.__version__} (CUDA 13.0) sees no GPU (driver absent)"


def test_on_a_machine_without_any_driver_a_large_model_may_compute_on_the_cpu() -> None:
    assert gpu.device_for("CPU", 0, demo=False) == (CPU, "")


@pytest.mark.usefixtures("driver")
def test_where_there_is_a_driver_a_large_model_computes_on_the_cpu_only_if_that_is_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server makes CPU instances of its own accord when the last GPU is gone."""
    with pytest.raises(gpu.NoGpuError):
        gpu.device_for("CPU", 0, demo=False)
    assert gpu.device_for("CPU", 0, demo=True) == (CPU, "")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpu.device_for("CPU", 0, demo=False) == (CPU, "")


def test_a_gpu_that_is_seen_is_the_one_that_the_server_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert gpu.device_for("GPU", 3, demo=False) == (torch.device("cuda", 3), "")


def test_a_cpu_is_never_lost() -> None:
    assert gpu.answers(CPU)


def test_the_end_of_the_server_is_a_signal_to_the_process_that_started_this_one() -> None:
    child = "from lipforcing.serving import gpu; gpu.end_server(); input()"
    server = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], stdin=sys.stdin)"
    done = subprocess.run([sys.executable, "-c", server], check=False, timeout=120, stdin=subprocess.PIPE)
    assert done.returncode == -signal.SIGTERM
