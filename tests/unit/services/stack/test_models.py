"""What `dubline status` makes of an inference server's index and metrics."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dubbing.settings import TritonSettings
from services.stack import models
from services.stack.models import ModelState

INDEX = json.dumps([{"name": name, "version": "1", "state": "READY"} for name in ("lip_student_tiny", "lip_student_14b")])
ODD = "a GPU instance on the CPU: torch 2.13.0 (CUDA 13.0) sees no GPU (driver 550.54.15)"
METRICS = f"""\
# HELP lipforcing_device Where an instance computes
# TYPE lipforcing_device gauge
lipforcing_device{{device="cpu",instance="a_0",model="lip_student_tiny",odd="{ODD}",version="1"}} 1
lipforcing_device{{device="cpu",instance="a_1",model="lip_student_tiny",odd="{ODD}",version="1"}} 1
lipforcing_device{{device="NVIDIA H200",instance="b_0",model="lip_student_14b",odd="",version="1"}} 1
"""


class Server(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self._say(INDEX)

    def do_GET(self) -> None:
        self._say(METRICS)

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def _say(self, text: str) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_demonstration_model_on_the_cpu_of_a_gpu_machine_is_ready_and_says_why(url: str, tmp_path: Path) -> None:
    large, tiny = models.read(TritonSettings(http_url=url), tmp_path, f"{url}/metrics")
    assert (tiny.state, tiny.device, tiny.reason, tiny.is_fault) == (ModelState.READY, "cpu", ODD, False)
    assert (large.state, large.device, large.reason) == (ModelState.READY, "NVIDIA H200", None)


def test_without_metrics_models_have_states_and_no_devices(url: str, tmp_path: Path) -> None:
    found = models.read(TritonSettings(http_url=url), tmp_path, "http://127.0.0.1:9/metrics")
    assert [model.device for model in found] == [None, None]
    assert all(model.state is ModelState.READY for model in found)
