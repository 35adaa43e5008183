"""What handlers depend on: who calls, a transaction to read in, and the once-only transaction of mutating calls."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Header, Request, Security
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from dubbing.db.people import scopes_of
from dubbing.db.unit_of_work import UnitOfWork, unit_of_work
from dubbing.errors import Forbidden, Unauthorized
from services.api.bootstrap import Services

BEARER = HTTPBearer(auto_error=False, description="`dub_<prefix>_<secret>`, or an access token (JWT)", scheme_name="ApiKey")
_HEADER = {"header": "Authorization"}


def services(request: Request) -> Services:
    """What the composition root built."""
    found: Services = request.app.state.services
    return found


Built = Annotated[Services, Depends(services)]


class Caller(NamedTuple):
    """Who calls.

    Attributes:
        organisation: whose things they see.
        kind: what calls: ``key``, ``person`` or ``guest``.
        id: which one: a key's prefix, a person's or a guest's id.
        scopes: what they may do.
    """

    organisation: str
    kind: str
    id: str
    scopes: tuple[str, ...]

    @property
    def principal(self) -> str:
        """Who it was, to be noted: e.g. ``key:PREFIX``."""
        return f"{self.kind}:{self.id}"


def authenticated(built: Built, token: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)] = None) -> Caller:
    """The caller, if their API key or access token is valid; raises `Unauthorized`, `Forbidden` or `SignInUnavailable`."""
    if token is None:
        raise Unauthorized(
            "No API key or access token was sent.",
            where=_HEADER,
            suggestions=(
                "send 'Authorization: Bearer dub_...'",
                "make one: python -m services.api keys create NAME",
            ),
        )
    is_jwt = token.credentials.count(".") == 2
    return _person(built, token.credentials) if is_jwt else _key(built, token.credentials)


class Scoped:
    """Dependency: the caller, if their API key or access token is valid and has the scope; with None, whoever is let in."""

    def __init__(self, scope: str | None) -> None:
        self._scope = scope

    def __call__(self, caller: Annotated[Caller, Depends(authenticated)]) -> Caller:
        """Check the scope; raises `Forbidden`."""
        if self._scope is not None and self._scope not in caller.scopes:
            what = "API key" if caller.kind == "key" else "role of the access token's bearer"
            raise Forbidden(f"The {what} lacks the scope {self._scope}.", where=_HEADER)
        return caller


def acting(built: Services, caller: Caller) -> AbstractContextManager[UnitOfWork]:
    """A transaction that sees what the caller may see."""
    return unit_of_work(built.database.sessions(), built.doorbell.ring, caller.organisation)


def reading(built: Built, caller: Annotated[Caller, Depends(authenticated)]) -> Iterator[UnitOfWork]:
    """A transaction for reading, ended before the response is sent."""
    with acting(built, caller) as work:
        yield work


Reading = Annotated[UnitOfWork, Depends(reading, scope="function")]


def _key(built: Services, token: str) -> Caller:
    with unit_of_work(built.database.sessions(), built.doorbell.ring) as work:
        key = work.keys.authenticate(token)
        if key is None:
            raise Unauthorized("The API key is unknown, expired or revoked.", where=_HEADER)
        return Caller(key.organisation_id, "key", key.prefix, tuple(key.scopes))


def _person(built: Services, token: str) -> Caller:
    identity = built.tokens.read(token)
    with unit_of_work(built.database.sessions(), built.doorbell.ring) as work:
        person = work.people.seen(identity)
        caller = Caller(person.organisation_id, "person", person.id, scopes_of(person.role))
        shut_out = person.disabled_at is not None
    # They are noted also when they may do nothing: else nobody could give them a role.
    if shut_out:
        raise Forbidden(f"An owner of {caller.organisation} has shut you out.", where=_HEADER)
    if not caller.scopes:
        raise Forbidden(
            f"You have no role in {caller.organisation} yet.",
            where=_HEADER,
            suggestions=("ask an owner for one", f"your id is {caller.id}"),
        )
    return caller


Anybody = Annotated[Caller, Depends(Scoped(None))]
AssetsRead = Annotated[Caller, Depends(Scoped("assets:read"))]
AssetsWrite = Annotated[Caller, Depends(Scoped("assets:write"))]
ConnectionsRead = Annotated[Caller, Depends(Scoped("connections:read"))]
ConnectionsWrite = Annotated[Caller, Depends(Scoped("connections:write"))]
JobsRead = Annotated[Caller, Depends(Scoped("jobs:read"))]
JobsWrite = Annotated[Caller, Depends(Scoped("jobs:write"))]
KeysRead = Annotated[Caller, Depends(Scoped("keys:read"))]
KeysWrite = Annotated[Caller, Depends(Scoped("keys:write"))]
PeopleRead = Annotated[Caller, Depends(Scoped("people:read"))]
PeopleWrite = Annotated[Caller, Depends(Scoped("people:write"))]
TitlesRead = Annotated[Caller, Depends(Scoped("titles:read"))]
TitlesWrite = Annotated[Caller, Depends(Scoped("titles:write"))]
TrainingRead = Annotated[Caller, Depends(Scoped("training:read"))]
TrainingWrite = Annotated[Caller, Depends(Scoped("training:write"))]
WebhooksRead = Annotated[Caller, Depends(Scoped("webhooks:read"))]
WebhooksWrite = Annotated[Caller, Depends(Scoped("webhooks:write"))]

JOB = "/v1/jobs/{id}"
"""Where a job is read."""

IdempotencyHeader = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$"),
]


class Once:
    """Runs a mutating call in one transaction, once for each Idempotency-Key (IETF draft, httpapi-idempotency-key-header).

    The answer is stored in the transaction that does the work, so that either both exist or neither does. A call that
    failed may be sent again with the same key.
    """

    def __init__(self, request: Request, built: Built, key: IdempotencyHeader = None) -> None:
        self._request = request
        self._built = built
        self._key = key

    def run(
        self,
        caller: Caller,
        status: int,
        body: BaseModel | None,
        do: Callable[[UnitOfWork], BaseModel],
        *,
        at: str = "",
        unkept: Collection[str] = (),
    ) -> JSONResponse:
        """Call ``do`` and answer with ``status`` and what it returns, or replay the stored answer.

        ``at`` is where to read it again, with names of the answer's members in braces. ``unkept`` are members that are shown
        once and stored nowhere, as secrets are: a replay has null in their place.
        """
        if self._key is None:
            with acting(self._built, caller) as work:
                answer = do(work).model_dump(mode="json")
            return _answer(answer, status, at)
        with acting(self._built, caller) as work:
            known = work.keys.begin(caller.organisation, self._key, self._fingerprint(body))
        if known is not None:
            return _answer(known[1], known[0], at, {"Idempotent-Replayed": "true"})
        try:
            with acting(self._built, caller) as work:
                answer = do(work).model_dump(mode="json")
                kept = answer | dict.fromkeys(unkept)
                work.keys.answer(caller.organisation, self._key, status, kept)
        except BaseException:
            with acting(self._built, caller) as work:
                work.keys.abandon(caller.organisation, self._key)
            raise
        return _answer(answer, status, at)

    def _fingerprint(self, body: BaseModel | None) -> str:
        return fingerprint(self._request.method, self._request.url.path, body)


def fingerprint(method: str, path: str, body: BaseModel | None) -> str:
    """By which a request is known again: what was given, and nothing that is filled in."""
    document = body.model_dump(mode="json", exclude_unset=True) if body is not None else None
    return hashlib.sha256("\n".join([method, path, json.dumps(document, sort_keys=True)]).encode()).hexdigest()


def _answer(members: dict[str, Any], status: int, at: str, headers: Mapping[str, str] = MappingProxyType({})) -> JSONResponse:
    return JSONResponse(members, status, {**headers, **({"Location": at.format_map(members)} if at else {})})


OnceOnly = Annotated[Once, Depends(Once)]
