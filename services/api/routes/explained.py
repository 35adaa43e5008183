"""A page for every problem type: what an error means, where its ``type`` points (RFC 9457, 3.1.1)."""

from html import escape
from typing import NamedTuple

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from dubbing.errors import NotFound, kinds
from services.api.problems import ROUTED, page_name
from services.api.routes.documentation import MarkdownResponse

router = APIRouter()
_ELSEWHERE = "What was wrong and where, and what to do, stands in the problem's own detail, where and suggestions."


class Explained(NamedTuple):
    """What is told of a code."""

    code: str
    title: str
    status: int
    retryable: bool
    meaning: str

    @property
    def again(self) -> str:
        """What comes of sending the same request once more."""
        return "The same request may succeed later." if self.retryable else "The same request will fail again."


def explained() -> dict[str, Explained]:
    """Every code of the API, by the name of its page."""
    ours = [
        Explained(kind.code, kind.title, kind.status, kind.retryable, " ".join((kind.__doc__ or "").split()))
        for kind in kinds()
    ]
    routed = [Explained(code, title, status, retryable=False, meaning=f"{title}.") for status, code, title in ROUTED]
    return {page_name(one.code): one for one in (*routed, *ours)}


@router.get("/errors", tags=["errors"], response_class=HTMLResponse)
def list_errors() -> HTMLResponse:
    """Every error code, with a link to its page."""
    rows = "".join(
        f'<li><a href="/errors/{name}"><code>{escape(one.code)}</code></a> {escape(one.title)}</li>'
        for name, one in sorted(explained().items())
    )
    return _page("Errors", f"<ul>{rows}</ul>")


@router.get("/errors.md", tags=["errors"], response_class=MarkdownResponse)
def list_errors_as_markdown() -> MarkdownResponse:
    """Every error code, with a link to its page, as Markdown."""
    rows = [f"- [`{one.code}`](/errors/{name}.md): {one.title}." for name, one in sorted(explained().items())]
    return MarkdownResponse("\n".join(["# Errors", "", *rows, ""]))


@router.get("/errors/{name}.md", tags=["errors"], response_class=MarkdownResponse)
def explain_error_as_markdown(name: str) -> MarkdownResponse:
    """What an error means, as Markdown."""
    one = _known(name)
    facts = f"Code `{one.code}`, HTTP status {one.status}. {one.again}"
    return MarkdownResponse("\n\n".join([f"# {one.title}", one.meaning, facts, f"{_ELSEWHERE}\n"]))


@router.get("/errors/{name}", tags=["errors"], response_class=HTMLResponse)
def explain_error(name: str) -> HTMLResponse:
    """What an error means; problems point here by their ``type``."""
    one = _known(name)
    return _page(
        one.title,
        f"<p>{escape(one.meaning)}</p><p>Code <code>{escape(one.code)}</code>, HTTP status {one.status}. {one.again}</p>"
        f'<p>{_ELSEWHERE}</p><p><a href="/errors">All errors</a></p>',
    )


def _known(name: str) -> Explained:
    one = explained().get(name)
    if one is None:
        raise NotFound(f"There is no error {name}.")
    return one


def _page(title: str, body: str) -> HTMLResponse:
    head = f'<meta charset="utf-8"><title>{escape(title)}</title>'
    return HTMLResponse(f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{escape(title)}</h1>{body}</body></html>')
