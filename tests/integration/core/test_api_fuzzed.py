"""The API keeps to its OpenAPI document, whatever is sent: schemathesis draws requests, valid and not, for every operation.

``make fuzz`` draws many more (FUZZ_EXAMPLES for each operation, from FUZZ_SEED).
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from api_calls import app_of, authorised, put_analysis, work_through
from customer_store import Customer
from fastapi.testclient import TestClient
from places import ROOT
from training_rows import OFFER
from waiting import until

from dubbing.db.unit_of_work import unit_of_work
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack
EXAMPLES, SEED = os.environ.get("FUZZ_EXAMPLES", "8"), os.environ.get("FUZZ_SEED", "23")


@pytest.fixture
def address(services: Services) -> Iterator[str]:
    """The API as it is deployed, behind a real HTTP server."""
    server = uvicorn.Server(uvicorn.Config(app_of(services), port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started, "the API does not start")
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def known(
    client: TestClient, services: Services, body: dict[str, Any], upload: Callable[..., str], customer: Customer
) -> dict[str, str]:
    """One thing of each kind, by the prefix of its id."""
    title = client.post("/v1/titles", json={"name": "Film", "video": body["video"]}).json()["id"]
    place = {"title": title, "language": "de"}
    client.post(f"/v1/titles/{title}/languages", json={"language": "de", "audio": body["audio"]})
    client.post(f"/v1/titles/{title}/languages/de/render", json={})
    work_through(services)
    put_analysis(services)
    review = client.post("/v1/reviews", json=place).json()["id"]
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        work.runs.offer([OFFER])
        person = work.people.owner("default", "local", "Ola").id
    made = [
        client.post("/v1/uploads", json={"filename": "a.mp4", "size": 9}).json()["upload_id"],
        upload("film.mp4"),
        client.post("/v1/lipsyncs", json=body).json()["id"],
        client.post("/v1/training-runs", json={"recipe": OFFER.name}).json()["id"],
        client.post(f"/v1/reviews/{review}/comments", json={"text": "x"}).json()["id"],
        client.post("/v1/guests", json={**place, "name": "x"}).json()["id"],
        *(title, review),
        person,
        client.post("/v1/storage-connections", json=customer.members()).json()["id"],
        client.post("/v1/batches", json={"items": [{"type": "lipsync", **body}]}).json()["id"],
    ]
    return {one[:4]: one for one in made}


@pytest.mark.slow
def test_every_answer_to_whatever_is_sent_is_one_that_the_document_promises(
    address: str, services: Services, known: dict[str, str]
) -> None:
    program = [
        str(Path(sys.executable).with_name("schemathesis")),
        "--config-file",
        str(ROOT / "tests/helpers/schemathesis.toml"),
    ]
    # The examples have a test of their own, which sends them where what they name exists.
    chosen = ["--seed", SEED, "--max-examples", EXAMPLES, "--phases", "coverage,fuzzing,stateful"]
    key = f"Authorization: {authorised(services)['Authorization']}"
    done = subprocess.run(
        [*program, "run", f"{address}/openapi.json", *chosen, "--header", key],
        env={**os.environ, "FUZZ_IDS": json.dumps(known)},
        cwd=ROOT / "tests/helpers",
        capture_output=True,
        text=True,
        check=False,
    )
    sys.stdout.write(done.stdout)  # `make fuzz` shows what was drawn
    assert done.returncode == 0, done.stdout + done.stderr
