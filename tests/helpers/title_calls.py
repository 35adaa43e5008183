"""What tests of titles share: sounds, languages, renders and revisions."""

from collections.abc import Callable
from typing import Any

import platform_results as results
import pytest
from api_calls import work_through
from fastapi.testclient import TestClient

from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.findings import FrameRange
from dubbing.domain.work import CompareResult, StitchTask, WorkKind
from services.api.bootstrap import Services

Upload = Callable[..., str]


@pytest.fixture
def title(client: TestClient, upload: Upload) -> dict[str, Any]:
    """A title whose picture waits to be analysed."""
    film = {"type": "asset", "id": upload("film.mp4")}
    made = client.post("/v1/titles", json={"name": "Nº 1", "video": film, "external_id": "S01E01", "metadata": {"show": "N"}})
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"/v1/titles/{made.json()['id']}"
    return dict(made.json())


@pytest.fixture
def languages(title: dict[str, Any]) -> str:
    return f"/v1/titles/{title['id']}/languages"


def sound(upload: Upload, name: str, fill: bytes = b"x") -> dict[str, str]:
    return {"type": "asset", "id": upload(name, fill * 1000)}


def add(client: TestClient, languages: str, tag: str, audio: dict[str, str], **members: Any) -> dict[str, Any]:
    made = client.post(languages, json={"language": tag, "audio": audio, **members})
    assert made.status_code == 201, made.text
    return dict(made.json())


def render(client: TestClient, language: str, **members: Any) -> dict[str, Any]:
    asked = client.post(f"{language}/render", json=members)
    assert asked.status_code == 202, asked.text
    return dict(asked.json())


def revise(client: TestClient, services: Services, language: str, audio: dict[str, str], *changed: tuple[int, int]) -> str:
    """Renders another sound, which differs from the one before in these frames; gives the job."""
    assert client.put(f"{language}/audio", json={"audio": audio}).status_code == 200
    job = str(render(client, language)["id"])
    finish(services, CompareResult(changed=tuple(FrameRange(start=a, end=b) for a, b in changed), level=(0.0, 0.1)))
    return job


def finish(services: Services, compared: CompareResult) -> None:
    """Does all work; sounds differ as ``compared`` says."""
    work_through(services, answer=lambda kind, task: compared if kind == "compare" else results.answer(kind, task))


def crops(services: Services, job: str) -> dict[int, str]:
    """Where the generated mouths of each chunk of the job's master lie."""
    with services.database.sessions()() as session:
        (item,) = UnitOfWork(session).items.results(job, [WorkKind.STITCH])
        return StitchTask.model_validate(item.payload).crops
