"""docs/reference/api.md says what the API does: every call, scope, member, event and code."""

import re
from typing import Any

import pytest
from places import ROOT

from dubbing import errors
from dubbing.domain.findings import FindingCode
from dubbing.domain.jobs import JobState, Phase
from dubbing.domain.training import ReleaseState, RunState
from dubbing.domain.webhooks import TEST_EVENT, WebhookEvent
from services.api import problems, schemas
from services.api.main import create_app

TEXT = (ROOT / "docs/reference/api.md").read_text()
CODES = {code: int(status) for code, status in re.findall(r"^\| `(\w+)` \| (\d{3}) \|", TEXT, re.MULTILINE)}
CALLS = re.findall(r"^\| `(GET|POST|PUT|PATCH|DELETE) (/\S+)` \| (\S+) \|", TEXT, re.MULTILINE)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app().openapi()


def test_the_reference_lists_exactly_the_calls_of_the_api(document: dict[str, Any]) -> None:
    offered = {(method.upper(), path) for path, calls in document["paths"].items() for method in calls}
    assert offered == {(method, path) for method, path, _ in CALLS}


def test_only_calls_without_a_scope_are_open(document: dict[str, Any]) -> None:
    for method, path, scope in CALLS:
        assert ("security" in document["paths"][path][method.lower()]) == (scope != "none"), path


def test_every_member_of_a_dub_is_explained() -> None:
    explained = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", TEXT.split("| member |")[1].split("### Jobs")[0], re.MULTILINE)
    assert set(re.findall(r"\w+", " ".join(explained))) == set(schemas.LipsyncCreate.model_fields)


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/titles"])
def test_every_query_parameter_is_named(document: dict[str, Any], path: str) -> None:
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `GET {path}` "))
    names = {parameter["name"] for parameter in document["paths"][path]["get"]["parameters"]}
    assert names <= set(re.findall(r"`(\w+)`", row))


def test_every_state_and_phase_is_named() -> None:
    assert {*map(str, JobState), *map(str, Phase)} <= set(re.findall(r"`(\w+)`", TEXT))


def test_every_code_has_its_status_and_what_to_do() -> None:
    of_the_router = {code: status for status, code in problems._CODES.items()}
    of_the_tree = {kind.code: kind.status for kind in errors.kinds()}
    assert {**of_the_router, "invalid_json": 400, **of_the_tree} == CODES, "the table under Errors in docs/reference/api.md"


def test_every_event_is_explained() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "shared/dubbing/db").glob("*.py"))
    sent = set(re.findall(r'"(job\.[a-z_]+)"', sources)) | {f"job.{state}" for state in (JobState.FAILED, JobState.CANCELED)}
    assert sent == set(re.findall(r"`(job\.[a-z_]+)`", TEXT))


def test_every_event_that_webhooks_tell_of_is_explained() -> None:
    table = TEXT.split("| webhook event |")[1].split("\n\n")[0]
    assert {*map(str, WebhookEvent), TEST_EVENT} == set(re.findall(r"`([a-z_]+\.[a-z_]+)`", table))


def test_every_event_of_a_training_run_is_explained() -> None:
    places = [*(ROOT / "shared/dubbing/db").glob("*.py"), *(ROOT / "services/trainer").rglob("*.py")]
    sent = set(re.findall(r'"(run\.[a-z]+)"', "".join(path.read_text() for path in places)))
    sent |= {f"run.{state}" for state in RunState}
    assert sent == set(re.findall(r"`(run\.[a-z]+)`", TEXT))


def test_every_state_of_runs_and_versions_is_named() -> None:
    assert {*map(str, RunState), *map(str, ReleaseState)} <= set(re.findall(r"`(\w+)`", TEXT))


def test_every_warning_is_explained_and_no_other() -> None:
    table = TEXT.split("### Warnings")[1].split("### Events")[0]
    explained = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", table, re.MULTILINE)
    assert set(re.findall(r"\w+", " ".join(explained))) == set(map(str, FindingCode))


def test_every_warning_is_made_somewhere() -> None:
    places = [*(ROOT / "shared/dubbing").rglob("*.py"), *(ROOT / "services").rglob("*.py")]
    sources = "".join(path.read_text() for path in places)
    assert set(re.findall(r"FindingCode\.(\w+)", sources)) == {code.name for code in FindingCode}
