"""What the API says about itself is readable without the internet: the viewer, the pages, and what every error means."""

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import pytest
from api_calls import app_of, problem
from fastapi.testclient import TestClient
from places import ROOT

from services.api.bootstrap import Services

pytestmark = pytest.mark.stack
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def anybody(services: Services) -> Iterator[TestClient]:
    """Somebody without a key."""
    with TestClient(app_of(services)) as client:
        yield client


def test_the_viewer_and_all_that_it_loads_come_from_the_api_itself(anybody: TestClient) -> None:
    page = anybody.get("/docs").text
    loaded = re.findall(r"""(?:src|href)=["']([^"']+)|url: '([^']+)'""", page)
    places = {urljoin(str(anybody.base_url), asset or described) for asset, described in loaded}
    assert {urlsplit(place).path for place in places} >= {"/docs/viewer/swagger-ui-bundle.js", "/openapi.json"}
    for place in places:
        assert urlsplit(place).netloc == "testserver"
        assert anybody.get(place).status_code == 200, place
    style = anybody.get("/docs/viewer/swagger-ui.css").text
    assert {where[:5] for where in re.findall(r"url\(\s*[\"']?([^\"')]+)", style)} == {"data:"}
    assert "@import" not in style
    # What the program itself would ask for: a badge that a server on the internet draws.
    assert '"validatorUrl": null' in page


def test_programs_that_read_find_every_page_by_the_index(anybody: TestClient) -> None:
    index = anybody.get("/llms.txt")
    assert index.headers["content-type"] == "text/plain; charset=utf-8"
    assert index.text.startswith("# Dubline\n\n> ")
    listed = dict(re.findall(r"^- \[.+?\]\((/\S+)\): (.+)$", index.text, re.MULTILINE))
    assert {"/docs/reference/api.md", "/docs/tutorials/first-api-job.md", "/errors.md", "/openapi.json"} <= listed.keys()
    assert all(summary.endswith((".", ":")) for summary in listed.values())
    for place in listed:
        assert anybody.get(place).status_code == 200, place


def test_pages_are_the_repositorys_own_and_their_links_lead_on(anybody: TestClient) -> None:
    answer = anybody.get("/docs/reference/api.md")
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.content == (ROOT / "docs/reference/api.md").read_bytes()
    for start in ("/docs/reference/api.md", "/docs/tutorials/first-api-job.md", "/docs/explanation/architecture.md"):
        linked = re.findall(r"\]\((?!https?:)([^)#]+\.md)", CODE.sub("", anybody.get(start).text))
        assert linked
        for link in linked:
            assert anybody.get(urljoin(start, link)).status_code == 200, (start, link)


@pytest.mark.parametrize(
    "path", ["none.md", "images/trade.png", "%2e%2e/README.md", "reference/../../pyproject.toml", "/etc/hosts"]
)
def test_nothing_but_pages_is_served(anybody: TestClient, path: str) -> None:
    problem(anybody.get(f"/docs/{path}"), 404, "not_found")


def test_every_error_has_its_page_as_markdown_too(anybody: TestClient) -> None:
    index = anybody.get("/errors.md").text
    places = re.findall(r"\((/errors/[a-z0-9-]+\.md)\)", index)
    assert len(places) == len(re.findall(r'href="/errors/', anybody.get("/errors").text))
    for place in places:
        answer = anybody.get(place)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/markdown; charset=utf-8")
    page = anybody.get("/errors/bad-parts.md").text
    assert page.startswith("# The parts do not match the upload\n")
    assert "Code `bad_parts`, HTTP status 422. The same request will fail again." in page
    problem(anybody.get("/errors/none-such.md"), 404, "not_found")
