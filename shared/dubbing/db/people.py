"""People of organisations: what their roles may do, and the tokens that sign them in once."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dubbing.db.keys import SCOPES
from dubbing.db.organisations import Organisations
from dubbing.db.pages import Before, paged
from dubbing.db.people_models import Person, SignInToken
from dubbing.db.roles import act_for
from dubbing.db.times import NOW, in_, now
from dubbing.domain.people import Role, RoleSource, TokenBearer
from dubbing.errors import NotFound, Unauthorized
from dubbing.ids import new_id

_READING = tuple(scope for scope in SCOPES if scope.endswith(":read"))
ROLE_SCOPES: Mapping[Role, tuple[str, ...]] = MappingProxyType(
    {
        Role.OWNER: SCOPES,
        Role.PRODUCER: (*_READING, "assets:write", "titles:write", "reviews:write", "jobs:write", "webhooks:write"),
        Role.REVIEWER: ("assets:read", "titles:read", "reviews:read", "reviews:write", "jobs:read"),
        Role.AUDITOR: _READING,
    }
)
"""What each role may do. Who may make keys or change people is an owner."""

LOCAL_ISSUER = "dubline"
"""The issuer of people who sign in with a token of ours instead of a provider's."""
_SEEN_EVERY = timedelta(minutes=1)
_SPENT_KEPT = 24 * 3600.0


def scopes_of(role: str | None) -> tuple[str, ...]:
    """The scopes of a role; none without one."""
    return () if role is None else ROLE_SCOPES[Role(role)]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class People:
    """Repository of people. Never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def seen(self, identity: TokenBearer) -> Person:
        """The person who calls, noted when they are new, with what their token says now. Notes the time once a minute.

        The provider's word on a role is final while it gives one: where it gives none any more, its last one is gone.
        From here on the transaction acts for the person's organisation.
        """
        act_for(self._session, identity.organisation_id)
        person = self._ensured(identity)
        if identity.role is not None:
            role, source = str(identity.role), str(RoleSource.PROVIDER)
        elif person.role_from == RoleSource.PROVIDER:
            role, source = None, None
        else:
            role, source = person.role, person.role_from
        changes = {"role": role, "role_from": source}
        changes |= {name: said for name in ("name", "email") if (said := getattr(identity, name)) is not None}
        for name, value in changes.items():
            if getattr(person, name) != value:
                setattr(person, name, value)
        time = now(self._session)
        if person.last_seen_at is None or person.last_seen_at < time - _SEEN_EVERY:
            person.last_seen_at = time
        self._session.flush()
        return person

    def owner(self, organisation_id: str, subject: str, name: str) -> Person:
        """The owner ``subject`` of an organisation who signs in without a provider; made unless they are there."""
        return self._ensured(
            TokenBearer(organisation_id, LOCAL_ISSUER, subject, name=name),
            {"role": Role.OWNER, "role_from": RoleSource.ORGANISATION},
        )

    def page(self, organisation_id: str, limit: int, before: Before) -> list[Person]:
        """The organisation's people, who came last first, those who are shut out too."""
        statement = select(Person).where(Person.organisation_id == organisation_id)
        return list(self._session.scalars(paged(statement, Person, limit, before)))

    def get(self, person_id: str, organisation_id: str, *, lock: bool = False) -> Person:
        """The person, if they are the organisation's; raises `NotFound`."""
        statement = select(Person).where(Person.id == person_id, Person.organisation_id == organisation_id)
        person = self._session.scalar(statement.with_for_update() if lock else statement)
        if person is None:
            raise NotFound(f"There is nobody with the id {person_id}.", where={"pointer": "/id"})
        return person

    def sign_in_token(self, person: Person, seconds: float) -> str:
        """A token that signs ``person`` in, once and within ``seconds``. It cannot be shown again: only a hash is stored."""
        token = f"signin_{secrets.token_urlsafe(32)}"
        self._session.execute(delete(SignInToken).where(SignInToken.expires_at < in_(-_SPENT_KEPT)))
        values = {"sha256": _hash(token), "organisation_id": person.organisation_id, "person_id": person.id}
        self._session.execute(insert(SignInToken).values(**values, created_at=NOW, expires_at=in_(seconds)))
        return token

    def spend(self, token: str) -> Person:
        """The person whom ``token`` signs in; it is spent with this transaction. Of two who spend it at once, one does.

        From here on the transaction acts for the person's organisation, which a function of the database knows.

        Raises:
            Unauthorized: it is unknown, spent, or too old.
        """
        organisation_id = self._session.scalar(select(func.organisation_of_sign_in(_hash(token))))
        if organisation_id is not None:
            act_for(self._session, organisation_id)
        statement = (
            update(SignInToken)
            .where(SignInToken.sha256 == _hash(token), SignInToken.spent_at.is_(None), SignInToken.expires_at > NOW)
            .values(spent_at=NOW)
            .returning(SignInToken.person_id)
        )
        person_id = self._session.scalar(statement)
        if person_id is None:
            raise Unauthorized(
                "The sign-in token is unknown, was used already, or has expired.",
                where={"pointer": "/token"},
                suggestions=("ask for a fresh one: it works once",),
            )
        return self._session.get_one(Person, person_id)

    def _ensured(self, identity: TokenBearer, members: Mapping[str, str] = MappingProxyType({})) -> Person:
        who = {"organisation_id": identity.organisation_id, "issuer": identity.issuer, "subject": identity.subject}
        known = select(Person).filter_by(**who)
        person = self._session.scalar(known)
        if person is None:
            Organisations(self._session).ensure(identity.organisation_id)
            shown = {"name": identity.name, "email": identity.email}
            new = insert(Person).values(id=new_id("per"), **who, **shown, **members, created_at=NOW)
            self._session.execute(new.on_conflict_do_nothing())  # two first calls at once
            person = self._session.scalars(known).one()
        return person
