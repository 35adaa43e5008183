"""Guests: links to the reviews of one language, for people without a key."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse

from dubbing.db.review_models import ReviewGuest
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.languages import canonical
from dubbing.domain.reviews import GuestRight
from dubbing.errors import Conflict, InvalidCursor, NotFound, UnknownLanguage
from services.api import paging
from services.api.filters import PageQuery
from services.api.problems import refuses
from services.api.requests import OnceOnly, Reading
from services.api.review_schemas import GuestCreate, GuestMade, GuestOut, GuestPage
from services.api.reviewers import ReviewsRead, ReviewsWrite

router = APIRouter(prefix="/v1", tags=["reviews"])
GuestId = Annotated[str, Path(pattern=r"^gst_[0-9a-z]{26}$")]
_GUEST = "/v1/guests/{id}"
_USUALLY = timedelta(days=7)


@router.post("/guests", status_code=201, response_model=GuestMade, openapi_extra=refuses(Conflict, NotFound, UnknownLanguage))
def invite_guest(body: GuestCreate, caller: ReviewsWrite, once: OnceOnly) -> JSONResponse:
    """A link to the reviews of one language, for people without a key. Its token is shown this once, and opens nothing else."""
    tag = canonical(body.language)

    def invite(work: UnitOfWork) -> GuestMade:
        work.titles.language(body.title, tag, caller.organisation)
        if body.expires_at is not None and body.expires_at <= work.now():
            raise Conflict("The link would have ended before it began.", where={"pointer": "/expires_at"})
        guest = ReviewGuest(
            organisation_id=caller.organisation,
            title_id=body.title,
            language=tag,
            name=body.name,
            may=body.may,
            invited_by=caller.principal,
            expires_at=body.expires_at or work.now() + _USUALLY,
        )
        token = work.guests.add(guest)
        return GuestMade(**_view(guest).model_dump(), token=token)

    return once.run(caller, 201, body, invite, at=_GUEST, unkept=("token",))


@router.get("/guests", openapi_extra=refuses(InvalidCursor))
def list_guests(caller: ReviewsRead, work: Reading, query: Annotated[PageQuery, Query()]) -> GuestPage:
    """Links, newest first, those that have ended too. Tokens are never shown."""
    found = work.guests.page(caller.organisation, query.limit + 1, query.before)
    page, cursor = paging.cut(found, query.limit)
    return GuestPage(items=[_view(guest) for guest in page], next_cursor=cursor)


@router.get("/guests/{guest_id}")
def read_guest(guest_id: GuestId, caller: ReviewsRead, work: Reading) -> GuestOut:
    """One link: what it lets its holder do, and when it was last used."""
    return _view(work.guests.get(guest_id, caller.organisation))


@router.post("/guests/{guest_id}/revoke", response_model=GuestOut)
def revoke_guest(guest_id: GuestId, caller: ReviewsWrite, once: OnceOnly) -> JSONResponse:
    """End a link at once. What its guests said stays. Twice is harmless."""

    def revoke(work: UnitOfWork) -> GuestOut:
        guest = work.guests.get(guest_id, caller.organisation)
        work.guests.revoke(guest)
        return _view(guest)

    return once.run(caller, 200, None, revoke)


def _view(guest: ReviewGuest) -> GuestOut:
    return GuestOut(
        id=guest.id,
        title=guest.title_id,
        language=guest.language,
        name=guest.name,
        may=GuestRight(guest.may),
        invited_by=guest.invited_by,
        created_at=guest.created_at,
        expires_at=guest.expires_at,
        last_used_at=guest.last_used_at,
        revoked_at=guest.revoked_at,
    )
