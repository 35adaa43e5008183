"""An inference server on a network, started as its image starts it: all but health asks for the secret."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np
import pytest
from pydantic import SecretStr
from tritonclient import grpc
from tritonclient.utils import InferenceServerException
from waiting import until

from dubbing.errors import ModelUnavailable
from dubbing.inference.channel import grpc_client
from dubbing.inference.engine import SpeechWindow
from dubbing.inference.http import http_client
from dubbing.inference.triton import TritonEngine
from dubbing.settings import TritonSettings
from services.stack import models, ports
from services.stack.context import StackContext
from services.stack.home import CHECKOUT, home_at
from services.stack.models import ModelState
from services.stack.processes import triton
from services.stack.state import StackState
from services.trainer.models.repository import check_server

pytestmark = pytest.mark.stack
SECRET, MODEL = "letters-and-digits-1234", "speech_encoder_tiny"
GRPC: dict[str, Callable[[grpc.InferenceServerClient], object]] = {
    "server metadata": lambda client: client.get_server_metadata(),
    "model metadata": lambda client: client.get_model_metadata(MODEL),
    "configuration": lambda client: client.get_model_config(MODEL),
    "statistics": lambda client: client.get_inference_statistics(MODEL),
    "index": lambda client: client.get_model_repository_index(),
    "load": lambda client: client.load_model(MODEL),
    "unload": lambda client: client.unload_model("face_encoder_tiny"),
    "shared memory": lambda client: client.get_system_shared_memory_status(),
    "tracing": lambda client: client.get_trace_settings(),
    "to trace": lambda client: client.update_trace_settings(settings={"trace_count": "1"}),
    "logging": lambda client: client.get_log_settings(),
    "to log": lambda client: client.update_log_settings({"log_info": True}),
}
HTTP = [
    ("GET", "/v2"),
    ("GET", f"/v2/models/{MODEL}"),
    ("GET", f"/v2/models/{MODEL}/config"),
    ("GET", f"/v2/models/{MODEL}/stats"),
    ("POST", f"/v2/models/{MODEL}/infer"),
    ("POST", f"/v2/models/{MODEL}/generate"),
    ("POST", "/v2/repository/index"),
    ("POST", f"/v2/repository/models/{MODEL}/load"),
    ("POST", f"/v2/repository/models/{MODEL}/unload"),
    ("GET", "/v2/systemsharedmemory/status"),
    ("POST", "/v2/systemsharedmemory/region/x/register"),
    ("GET", "/v2/trace/setting"),
    ("POST", "/v2/logging"),
]


class Server(NamedTuple):
    """A running server, as our clients reach it, and the models that it serves."""

    settings: TritonSettings
    repository: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = home_at(tmp_path_factory.mktemp("home"))
    home.create()
    repository = home.root / "models"
    shutil.copytree(CHECKOUT / "model_repo" / MODEL, repository / MODEL)
    spec = triton.describe(StackContext(home, StackState(), {"DUBLINE_MODEL_REPO": str(repository)}))
    program = next(Path(word) for word in spec.command if word.endswith("/tritonserver"))
    backends = next(word for word in spec.command if word.startswith("--backend-directory="))
    chosen: dict[str, int] = {}
    for part in ("http", "grpc", "metrics"):
        chosen[part] = ports.choose(chosen.values())
    options = [backends, *(f"--{part}-port={port}" for part, port in chosen.items())]
    options += [f"--{part}-address=127.0.0.1" for part in chosen]
    for file in ("docker/serve-models", "triton/keeper.py"):  # side by side, as in the image
        shutil.copy(CHECKOUT / "deploy" / file, home.run)
    with (home.logs / "triton.log").open("w") as log:
        started = subprocess.Popen(
            ["/bin/sh", home.run / "serve-models", repository, *options],
            env={**spec.env, "PATH": f"{program.parent}:{os.environ['PATH']}", "DUBLINE_TRITON_SECRET": SECRET},
            stdout=log,
            stderr=log,
        )
    url, http_url = f"127.0.0.1:{chosen['grpc']}", f"http://127.0.0.1:{chosen['http']}"
    place = TritonSettings(url=url, http_url=http_url, secret=SecretStr(SECRET))
    try:
        until(lambda: started.poll() is not None or is_ready(http_url), "the model is never ready", every=0.2)
        assert started.poll() is None, "the server ended"
        yield Server(place, repository)
    finally:
        started.terminate()
        started.wait(60)


def is_ready(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/v2/models/{MODEL}/ready").status_code == 200
    return False


@pytest.mark.parametrize("call", GRPC)
@pytest.mark.parametrize("secret", [None, SecretStr("another")], ids=["none", "another"])
def test_a_call_by_grpc_without_the_secret_is_refused(server: Server, call: str, secret: SecretStr | None) -> None:
    with grpc_client(server.settings.url, secret) as client, pytest.raises(InferenceServerException, match="restricted"):
        GRPC[call](client)


@pytest.mark.parametrize("call", GRPC)
def test_a_call_by_grpc_with_it_is_answered(server: Server, call: str) -> None:
    with grpc_client(server.settings.url, server.settings.secret) as client:
        GRPC[call](client)


@pytest.mark.parametrize(("method", "path"), HTTP)
def test_a_call_over_http_without_the_secret_is_refused(server: Server, method: str, path: str) -> None:
    for secret in ("", "another"):
        with http_client(server.settings.model_copy(update={"secret": SecretStr(secret)}), 60) as client:
            assert client.request(method, path, json={}).status_code == 403


def test_health_needs_no_secret(server: Server) -> None:
    with grpc_client(server.settings.url, None) as client:
        assert (client.is_server_live(), client.is_server_ready(), client.is_model_ready(MODEL)) == (True, True, True)
    for path in ("/v2/health/live", "/v2/health/ready", f"/v2/models/{MODEL}/ready"):
        assert httpx.get(server.settings.http_url + path).status_code == 200


def test_our_own_clients_send_it(server: Server) -> None:
    check_server(server.settings)
    assert [model.state for model in models.read(server.settings, server.repository)] == [ModelState.READY]
    window = SpeechWindow(np.zeros(16_000, np.float32), np.arange(9) / 25, (0.0, 1.0))
    assert TritonEngine(server.settings.url, "tiny", secret=server.settings.secret).encode_speech(window).shape[0] == 9
    with pytest.raises(ModelUnavailable, match="restricted"):
        TritonEngine(server.settings.url, "tiny").encode_speech(window)
