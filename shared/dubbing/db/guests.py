"""Guests: links to the reviews of one language, each of which ends."""

import hashlib
import secrets

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from dubbing import ids
from dubbing.db.pages import Before, paged
from dubbing.db.review_models import ReviewGuest
from dubbing.db.roles import act_for
from dubbing.db.times import NOW, now
from dubbing.errors import NotFound

_TOKEN = "dubg"  # noqa: S105 - the kind of a token, not one
_USED_EVERY = 60.0


def is_guest_token(token: str) -> bool:
    """Whether ``token`` is a guest's, and no key."""
    return token.startswith(f"{_TOKEN}_")


class Guests:
    """Repository of guests. Never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, guest: ReviewGuest) -> str:
        """Insert a guest without its id and secret; gives the token. It cannot be shown again: only a hash is stored."""
        secret = secrets.token_urlsafe(32)
        guest.id, guest.secret_sha256 = ids.new_id("gst"), _hash(secret)
        self._session.add(guest)
        self._session.flush()
        return f"{_TOKEN}_{guest.id.removeprefix('gst_')}_{secret}"

    def authenticate(self, token: str) -> ReviewGuest | None:
        """The guest whose ``token`` it is, or None where that has ended or is none. Notes its use at most once a minute.

        From here on the transaction acts for the guest's organisation.
        """
        match token.split("_", 2):
            case [kind, number, secret] if kind == _TOKEN:
                guest = self._known(f"gst_{number}")
            case _:
                return None
        if guest is None or not secrets.compare_digest(guest.secret_sha256, _hash(secret)):
            return None
        time = now(self._session)
        if guest.revoked_at is not None or guest.expires_at <= time:
            return None
        if guest.last_used_at is None or (time - guest.last_used_at).total_seconds() > _USED_EVERY:
            self._session.execute(update(ReviewGuest).where(ReviewGuest.id == guest.id).values(last_used_at=NOW))
        return guest

    def _known(self, guest_id: str) -> ReviewGuest | None:
        """The guest of that id. Until it is known whose it is nothing is seen: a function of the database says so."""
        organisation_id = self._session.scalar(select(func.organisation_of_guest(guest_id)))
        if organisation_id is None:
            return None
        act_for(self._session, organisation_id)
        return self._session.get(ReviewGuest, guest_id)

    def get(self, guest_id: str, organisation_id: str) -> ReviewGuest:
        """The guest, if it is the organisation's; raises `NotFound`."""
        wanted = select(ReviewGuest).where(ReviewGuest.id == guest_id, ReviewGuest.organisation_id == organisation_id)
        found = self._session.scalar(wanted)
        if found is None:
            raise NotFound(f"There is no guest {guest_id}.", where={"pointer": "/id"})
        return found

    def page(self, organisation_id: str, limit: int, before: Before) -> list[ReviewGuest]:
        """The organisation's guests, newest first, those whose links have ended too."""
        wanted = select(ReviewGuest).where(ReviewGuest.organisation_id == organisation_id)
        return list(self._session.scalars(paged(wanted, ReviewGuest, limit, before)))

    def revoke(self, guest: ReviewGuest) -> None:
        """End a link; twice is harmless."""
        if guest.revoked_at is None:
            guest.revoked_at = now(self._session)
            self._session.flush()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
