"""Who reviews: a key, a person, or a guest, whose link opens the reviews of one language and nothing else."""

from collections.abc import Iterator
from typing import Annotated, NamedTuple

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials

from dubbing.db.guests import is_guest_token
from dubbing.db.unit_of_work import UnitOfWork, unit_of_work
from dubbing.domain.reviews import Author, GuestRight
from dubbing.errors import Forbidden, NameMissing, NotFound, Unauthorized
from services.api.bootstrap import Services
from services.api.requests import BEARER, Built, Caller, Scoped, acting, authenticated

_HEADER = {"header": "Authorization"}


class Reviewer(NamedTuple):
    """Who calls; a guest also has the place that their link leads to, a title and a language, and what it lets them do."""

    caller: Caller
    place: tuple[str, str] | None = None
    right: GuestRight | None = None

    def author(self, name: str | None) -> Author:
        """Who says something, with the name that was given.

        Raises:
            NameMissing: a guest gave none.
        """
        if self.place is not None and name is None:
            raise NameMissing(
                "A link can be used by several people: say who you are.",
                where={"pointer": "/name"},
                suggestions=("send your name as name",),
            )
        return Author(self.caller.principal, name)


def known(built: Built, token: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)] = None) -> Reviewer:
    """Whose key, access token or link was sent; raises `Unauthorized`, `Forbidden` or `SignInUnavailable`."""
    if token is None or not is_guest_token(token.credentials):
        return Reviewer(authenticated(built, token))
    with unit_of_work(built.database.sessions(), built.doorbell.ring) as work:
        guest = work.guests.authenticate(token.credentials)
        if guest is None:
            raise Unauthorized("This link is unknown, has expired or was revoked.", where=_HEADER)
        caller = Caller(guest.organisation_id, "guest", guest.id, ())
        return Reviewer(caller, (guest.title_id, guest.language), GuestRight(guest.may))


Known = Annotated[Reviewer, Depends(known)]


def reading_reviews(built: Built, reviewer: Known) -> Iterator[UnitOfWork]:
    """A transaction for reading that guests may have, too, ended before the response is sent."""
    with acting(built, reviewer.caller) as work:
        yield work


ReadingReviews = Annotated[UnitOfWork, Depends(reading_reviews, scope="function")]


class Reviewing:
    """Dependency: the reviewer, if the key has the scope, or the guest's link leads here and lets its holder do this."""

    def __init__(self, scope: str, right: GuestRight) -> None:
        self._scoped = Scoped(scope)
        self._right = right

    def __call__(self, request: Request, built: Built, reviewer: Known) -> Reviewer:
        """Check scope or link; raises `Forbidden`, or `NotFound` where the link leads elsewhere."""
        if reviewer.right is None:
            self._scoped(reviewer.caller)
            return reviewer
        if not reviewer.right.includes(self._right):
            raise Forbidden(f"This link lets you {reviewer.right}, not {self._right}.", where=_HEADER)
        if (review_id := request.path_params.get("review_id")) is not None:
            _check_place(built, reviewer, review_id)
        return reviewer


def _check_place(built: Services, guest: Reviewer, review_id: str) -> None:
    with acting(built, guest.caller) as work:
        review = work.reviews.get(review_id, guest.caller.organisation)
        if (review.title_id, review.language) != guest.place:
            raise NotFound(f"There is no review {review_id}.", where={"pointer": "/id"})


MayRead = Annotated[Reviewer, Depends(Reviewing("reviews:read", GuestRight.READ))]
MayComment = Annotated[Reviewer, Depends(Reviewing("reviews:write", GuestRight.COMMENT))]
MayDecide = Annotated[Reviewer, Depends(Reviewing("reviews:write", GuestRight.DECIDE))]
ReviewsRead = Annotated[Caller, Depends(Scoped("reviews:read"))]
ReviewsWrite = Annotated[Caller, Depends(Scoped("reviews:write"))]
