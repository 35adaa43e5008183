"""What tests of reviews share: a language whose masters wait for approval, and masters with findings."""

from typing import Any

import platform_results as results
import pytest
from api_calls import work_through
from fastapi.testclient import TestClient
from title_calls import Upload, add, render, sound

from dubbing.domain.findings import Finding, FindingCode, FrameRange
from dubbing.domain.work import CompareResult, WorkKind
from services.api.bootstrap import Services


def found(code: FindingCode, *frames: tuple[int, int], detail: str = "") -> Finding:
    ranges = tuple(FrameRange(start=start, end=end) for start, end in frames)
    return Finding(code=code, detail=detail or f"{code} was found.", frames=ranges)


def deliver(client: TestClient, services: Services, language: str, *findings: Finding, scope: str = "stale") -> dict[str, Any]:
    """Renders a language, whose master has these findings; gives the job."""
    job = render(client, language, scope=scope)["id"]
    compared = CompareResult(changed=(), level=(0.0, 0.1))
    made = {"compare": lambda _: compared, "stitch": lambda task: results.stitch(task, findings)}
    kinds = [kind for kind in WorkKind if kind is not WorkKind.DELIVER]
    work_through(services, *kinds, answer=lambda kind, task: made.get(kind, lambda t: results.answer(kind, t))(task))
    return dict(client.get(f"/v1/jobs/{job}").json())


def revise(client: TestClient, language: str, audio: dict[str, str]) -> None:
    assert client.put(f"{language}/audio", json={"audio": audio}).status_code == 200


def review_of(client: TestClient, language: str) -> dict[str, Any]:
    """The review of the language's last master."""
    review = client.get(language).json()["delivered"]["review"]["id"]
    return dict(client.get(f"/v1/reviews/{review}").json())


def decide(client: TestClient, review: str, decision: str, **members: Any) -> dict[str, Any]:
    made = client.post(f"/v1/reviews/{review}/decisions", json={"decision": decision, **members})
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"/v1/reviews/{review}"
    return dict(made.json())


def say(client: TestClient, review: str, text: str, **members: Any) -> dict[str, Any]:
    said = client.post(f"/v1/reviews/{review}/comments", json={"text": text, **members})
    assert said.status_code == 201, said.text
    assert client.get(said.headers["Location"]).json() == said.json()
    return dict(said.json())


def settle(client: TestClient, review: str, comment: str, **members: Any) -> dict[str, Any]:
    done = client.patch(f"/v1/reviews/{review}/comments/{comment}", json=members)
    assert done.status_code == 200, done.text
    return dict(done.json())


def comments(client: TestClient, review: str, **wanted: Any) -> list[dict[str, Any]]:
    """The oldest first."""
    items: list[dict[str, Any]] = client.get(f"/v1/reviews/{review}/comments", params=wanted).json()["items"]
    return items[::-1]


@pytest.fixture
def language(client: TestClient, languages: str, upload: Upload) -> str:
    """Where a language is whose masters wait for approval."""
    add(client, languages, "pt-BR", sound(upload, "pt.wav"), review="required")
    return f"{languages}/pt-BR"
