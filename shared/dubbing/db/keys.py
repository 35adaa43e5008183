"""API keys and idempotency keys."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dubbing.db.models import ApiKey, IdempotencyKey
from dubbing.db.organisations import Organisations
from dubbing.db.pages import Before, paged
from dubbing.db.roles import act_for
from dubbing.db.times import NOW, now
from dubbing.errors import IdempotencyInProgress, IdempotencyKeyReused, NotFound

_THINGS = ("assets", "titles", "reviews", "jobs", "training", "webhooks", "connections", "keys", "people")
SCOPES = tuple(f"{thing}:{may}" for thing in _THINGS for may in ("read", "write"))
_KEPT = timedelta(hours=48)
_IN_FLIGHT = timedelta(seconds=60)
_USED_EVERY = timedelta(minutes=1)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _drawn() -> str:
    return secrets.token_urlsafe(32).replace("_", "-")


def create_api_key(
    session: Session,
    name: str,
    organisation_id: str = "default",
    scopes: tuple[str, ...] = SCOPES,
    expires_at: datetime | None = None,
    *,
    created_by: str | None = None,
) -> str:
    """Create a key and return it, ``dub_<prefix>_<secret>``. It cannot be shown again: only a hash is stored.

    A plain SHA-256 is enough, since the secret is 256 random bits and not a password.
    """
    prefix, secret = secrets.token_hex(6), _drawn()
    Organisations(session).ensure(organisation_id)
    session.add(
        ApiKey(
            prefix=prefix,
            secret_sha256=_hash(secret),
            name=name,
            organisation_id=organisation_id,
            scopes=list(scopes),
            expires_at=expires_at,
            created_by=created_by,
        )
    )
    session.flush()
    return f"dub_{prefix}_{secret}"


class Keys:
    """Repository of keys. Never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def authenticate(self, token: str) -> ApiKey | None:
        """The valid key that ``token`` is, or None. Notes its use at most once a minute.

        From here on the transaction acts for the key's organisation.
        """
        match token.split("_", 2):
            case ["dub", prefix, secret]:
                key = self._known(prefix)
            case _:
                return None
        if key is None:
            return None
        time = now(self._session)
        rotated = key.previous_sha256 if key.previous_until is not None and key.previous_until > time else None
        valid = [secrets.compare_digest(known, _hash(secret)) for known in (key.secret_sha256, rotated or "")]
        if not any(valid):
            return None
        if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= time):
            return None
        if key.last_used_at is None or key.last_used_at < time - _USED_EVERY:
            self._session.execute(update(ApiKey).where(ApiKey.prefix == prefix).values(last_used_at=NOW))
        return key

    def _known(self, prefix: str) -> ApiKey | None:
        """The key of that prefix. Until it is known whose it is nothing is seen: a function of the database says so."""
        organisation_id = self._session.scalar(select(func.organisation_of_key(prefix)))
        if organisation_id is None:
            return None
        act_for(self._session, organisation_id)
        return self._session.get(ApiKey, prefix)

    def page(self, organisation_id: str, limit: int, before: Before) -> list[ApiKey]:
        """The organisation's keys, newest first, revoked ones too."""
        statement = select(ApiKey).where(ApiKey.organisation_id == organisation_id)
        return list(self._session.scalars(paged(statement, ApiKey, limit, before)))

    def get(self, prefix: str, organisation_id: str) -> ApiKey:
        """The key, if it is the organisation's, its row locked; raises `NotFound`."""
        statement = select(ApiKey).where(ApiKey.prefix == prefix, ApiKey.organisation_id == organisation_id)
        key = self._session.scalar(statement.with_for_update())
        if key is None:
            raise NotFound(f"There is no key {prefix}.", where={"pointer": "/id"})
        return key

    def rotate(self, key: ApiKey, hours: float) -> str:
        """Give a key a new secret; the one before stays valid for ``hours``. The new key cannot be shown again."""
        secret = _drawn()
        key.previous_sha256, key.previous_until = key.secret_sha256, now(self._session) + timedelta(hours=hours)
        key.secret_sha256 = _hash(secret)
        self._session.flush()
        return f"dub_{key.prefix}_{secret}"

    def revoke(self, prefix: str) -> bool:
        """Revoke a key; False when there is none."""
        statement = update(ApiKey).where(ApiKey.prefix == prefix).values(revoked_at=NOW).returning(ApiKey.prefix)
        return self._session.execute(statement).one_or_none() is not None

    def begin(self, organisation_id: str, key: str, fingerprint: str) -> tuple[int, dict[str, Any]] | None:
        """Claim an idempotency key; the stored (status, body) if the same call was already answered.

        Raises:
            IdempotencyKeyReused: the key was used with another request.
            IdempotencyInProgress: the first call is still being answered.
        """
        if self._claim(organisation_id, key, fingerprint):
            return None
        known = self._session.get(IdempotencyKey, (organisation_id, key), populate_existing=True)
        if known is None:
            raise IdempotencyInProgress("The Idempotency-Key was released this moment; send the request again.")
        if known.fingerprint != fingerprint:
            raise IdempotencyKeyReused(
                "The Idempotency-Key was used with another request.",
                where={"header": "Idempotency-Key"},
                suggestions=("use a fresh key for a new request",),
            )
        if known.status is None or known.response is None:
            raise IdempotencyInProgress(
                "The first request with this Idempotency-Key is still being answered.",
                where={"header": "Idempotency-Key"},
                suggestions=("wait a second, then send it again",),
            )
        return known.status, known.response

    def _claim(self, organisation_id: str, key: str, fingerprint: str) -> bool:
        """True when the key is ours: it is new, too old to be kept, or its first call ended without an answer."""
        table = IdempotencyKey
        claimed = {"fingerprint": fingerprint, "created_at": NOW, "locked_until": NOW + _IN_FLIGHT}
        abandoned = or_(
            table.created_at < NOW - _KEPT,
            (table.status.is_(None)) & (table.locked_until < NOW) & (table.fingerprint == fingerprint),
        )
        statement = (
            insert(table)
            .values(organisation_id=organisation_id, key=key, **claimed)
            .on_conflict_do_update(
                index_elements=[table.organisation_id, table.key],
                set_={**claimed, "status": None, "response": None},
                where=abandoned,
            )
            .returning(table.key)
        )
        return self._session.execute(statement).one_or_none() is not None

    def answer(self, organisation_id: str, key: str, status: int, response: dict[str, Any]) -> None:
        """Store the answer, in the transaction that did the work."""
        self._session.execute(
            update(IdempotencyKey)
            .where(IdempotencyKey.organisation_id == organisation_id, IdempotencyKey.key == key)
            .values(status=status, response=response)
        )

    def abandon(self, organisation_id: str, key: str) -> None:
        """The call failed: the key may be used again."""
        self._session.execute(
            delete(IdempotencyKey).where(
                IdempotencyKey.organisation_id == organisation_id, IdempotencyKey.key == key, IdempotencyKey.status.is_(None)
            )
        )

    def forget_old(self) -> None:
        """Delete idempotency keys past their time."""
        self._session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < NOW - _KEPT))
