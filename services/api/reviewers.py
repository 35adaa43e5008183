"""Who reviews: a key, a person, or a guest, whose link opens the reviews of one language and nothing else."""

from typing import Annotated, NamedTuple

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials

from dubbing.db.guests import is_guest_token
from dubbing.db.review_models import ReviewGuest
from dubbing.db.unit_of_work import UnitOfWork, unit_of_work
from dubbing.domain.reviews import Author, GuestRight
from dubbing.errors import Forbidden, NameMissing, NotFound, Unauthorized
from services.api.bootstrap import Services
from services.api.requests import BEARER, Built, Caller, Scoped

_HEADER = {"header": "Authorization"}


class Reviewer(NamedTuple):
    """Who calls; ``place`` is the title and the language that a guest's link leads to, None for others."""

    caller: Caller
    place: tuple[str, str] | None = None

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


class Reviewing:
    """Dependency: the reviewer, if the key has the scope, or the guest's link leads here and lets its holder do this."""

    def __init__(self, scope: str, right: GuestRight) -> None:
        self._scoped = Scoped(scope)
        self._right = right

    def __call__(
        self, request: Request, built: Built, token: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)] = None
    ) -> Reviewer:
        """Check key or link; raises `Unauthorized`, `Forbidden`, or `NotFound` where the link leads elsewhere."""
        if token is None or not is_guest_token(token.credentials):
            return Reviewer(self._scoped(built, token))
        return self._guest(built, token.credentials, request.path_params.get("review_id"))

    def _guest(self, built: Services, token: str, review_id: str | None) -> Reviewer:
        with unit_of_work(built.database.sessions(), built.doorbell.ring) as work:
            guest = work.guests.authenticate(token)
            if guest is None:
                raise Unauthorized("This link is unknown, has expired or was revoked.", where=_HEADER)
            if not GuestRight(guest.may).includes(self._right):
                raise Forbidden(f"This link lets you {guest.may}, not {self._right}.", where=_HEADER)
            if review_id is not None:
                _check_place(work, guest, review_id)
            caller = Caller(guest.organisation_id, "guest", guest.id, ())
            return Reviewer(caller, (guest.title_id, guest.language))


def _check_place(work: UnitOfWork, guest: ReviewGuest, review_id: str) -> None:
    review = work.reviews.get(review_id, guest.organisation_id)
    if (review.title_id, review.language) != (guest.title_id, guest.language):
        raise NotFound(f"There is no review {review_id}.", where={"pointer": "/id"})


MayRead = Annotated[Reviewer, Depends(Reviewing("reviews:read", GuestRight.READ))]
MayComment = Annotated[Reviewer, Depends(Reviewing("reviews:write", GuestRight.COMMENT))]
MayDecide = Annotated[Reviewer, Depends(Reviewing("reviews:write", GuestRight.DECIDE))]
ReviewsRead = Annotated[Caller, Depends(Scoped("reviews:read"))]
ReviewsWrite = Annotated[Caller, Depends(Scoped("reviews:write"))]
