"""A real Triton server with models of random weights; the files that share it name one group."""

import os
from collections.abc import Iterator

import pytest
from triton_chunks import Weights
from tritonclient import grpc

from services.stack.home import CHECKOUT, home_at
from services.stack.local import LocalStack


@pytest.fixture(scope="session")
def weights() -> Weights:
    return Weights()


@pytest.fixture(scope="session")
def server(weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    repository = tmp_path_factory.mktemp("models")
    for folder in sorted((CHECKOUT / "model_repo").iterdir()):
        (repository / folder.name).mkdir()
        (repository / folder.name / "config.pbtxt").write_bytes((folder / "config.pbtxt").read_bytes())
    weights.write(repository)
    home = home_at(tmp_path_factory.mktemp("dubline"))
    stack = LocalStack(home, {"DUBLINE_MODEL_REPO": str(repository)}, owner=os.getpid())
    try:
        stack.start(["triton"])
        yield {**stack.env(), "repository": str(repository)}
    finally:
        stack.destroy()


@pytest.fixture
def client(server: dict[str, str]) -> Iterator[grpc.InferenceServerClient]:
    with grpc.InferenceServerClient(server["DUBLINE_TRITON_URL"]) as client:
        yield client
