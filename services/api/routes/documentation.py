"""The documentation's pages, for people and for programs that read Markdown."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response

from dubbing.errors import NotFound
from services.api import pages
from services.api.requests import Built

router = APIRouter(tags=["documentation"])


class MarkdownResponse(Response):
    """Markdown (RFC 7763)."""

    media_type = "text/markdown"


@router.get("/llms.txt", response_class=PlainTextResponse)
def list_pages(built: Built) -> PlainTextResponse:
    """The documentation's pages, with what each is about: where a program that reads begins."""
    summary = "A self-hosted platform that re-synchronises filmed lips with a new audio track, through an HTTP API."
    return PlainTextResponse(pages.index(pages.pages(built.api.pages), "Dubline", summary))


@router.get("/docs/{page:path}", response_class=MarkdownResponse)
def read_page(page: str, built: Built) -> MarkdownResponse:
    """A page of the documentation, as Markdown; links between pages lead from one to the other."""
    found = pages.pages(built.api.pages).get(page)
    if found is None:
        raise NotFound(f"There is no page {page}.", suggestions=("GET /llms.txt lists the pages",))
    return MarkdownResponse(found.text)
