"""The people of an organisation: who they are, what role they have, and shutting somebody out."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse

from dubbing.db.people import scopes_of
from dubbing.db.people_models import Person
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.people import Role, RoleSource
from dubbing.errors import Conflict, Forbidden, InvalidCursor
from services.api import paging
from services.api.filters import PageQuery
from services.api.people_schemas import PersonOut, PersonPage, PersonUpdate
from services.api.problems import refuses
from services.api.requests import Caller, OnceOnly, PeopleRead, PeopleWrite, Reading

router = APIRouter(prefix="/v1", tags=["people"])
PersonId = Annotated[str, Path(pattern=r"^per_[0-9a-z]{26}$")]


@router.get("/people", openapi_extra=refuses(InvalidCursor))
def list_people(caller: PeopleRead, work: Reading, query: Annotated[PageQuery, Query()]) -> PersonPage:
    """Everybody who has called with an access token, who came last first. Those who are shut out, too."""
    found = work.people.page(caller.organisation, query.limit + 1, query.before)
    page, cursor = paging.cut(found, query.limit)
    return PersonPage(items=[_view(person) for person in page], next_cursor=cursor)


@router.get("/people/{person_id}")
def read_person(person_id: PersonId, caller: PeopleRead, work: Reading) -> PersonOut:
    """One person: their role, who gave it, and when they were last seen."""
    return _view(work.people.get(person_id, caller.organisation))


@router.patch("/people/{person_id}", response_model=PersonOut, openapi_extra=refuses(Conflict))
def change_person(person_id: PersonId, body: PersonUpdate, caller: PeopleWrite, once: OnceOnly) -> JSONResponse:
    """Give somebody a role. Where the provider names one, it is changed there, and this is a conflict."""

    def change(work: UnitOfWork) -> PersonOut:
        person = _another(work, person_id, caller)
        if person.role_from == RoleSource.PROVIDER:
            raise Conflict(
                f"The provider says that {_name(person)} is {person.role}, and its word is final.",
                suggestions=("change it at the provider", "POST .../disable shuts somebody out all the same"),
            )
        _check_role(caller, body.role)
        person.role, person.role_from = body.role, RoleSource.ORGANISATION
        return _view(person)

    return once.run(caller, 200, body, change)


@router.post("/people/{person_id}/disable", response_model=PersonOut, openapi_extra=refuses(Conflict))
def disable_person(person_id: PersonId, caller: PeopleWrite, once: OnceOnly) -> JSONResponse:
    """Shut somebody out at once, whatever the provider says. Keys that they made stay: `created_by` names them."""

    def disable(work: UnitOfWork) -> PersonOut:
        person = _another(work, person_id, caller)
        person.disabled_at = person.disabled_at or work.now()
        return _view(person)

    return once.run(caller, 200, None, disable)


@router.post("/people/{person_id}/enable", response_model=PersonOut, openapi_extra=refuses(Conflict))
def enable_person(person_id: PersonId, caller: PeopleWrite, once: OnceOnly) -> JSONResponse:
    """Let somebody in again who was shut out."""

    def enable(work: UnitOfWork) -> PersonOut:
        person = _another(work, person_id, caller)
        _check_role(caller, person.role)
        person.disabled_at = None
        return _view(person)

    return once.run(caller, 200, None, enable)


def _another(work: UnitOfWork, person_id: str, caller: Caller) -> Person:
    """Somebody else than the caller, the row locked: whoever changes themselves may find nobody left to undo it."""
    if (caller.kind, caller.id) == ("person", person_id):
        raise Conflict("This is you; ask another owner.")
    return work.people.get(person_id, caller.organisation, lock=True)


def _check_role(caller: Caller, role: str | None) -> None:
    """Refuse to let somebody do what the caller may not do."""
    if beyond := sorted(set(scopes_of(role)) - set(caller.scopes)):
        raise Forbidden(f"As {role} they could do more than you: you lack {', '.join(beyond)}.", where={"pointer": "/role"})


def _name(person: Person) -> str:
    return person.name or person.email or person.id


def _view(person: Person) -> PersonOut:
    return PersonOut(
        id=person.id,
        name=person.name,
        email=person.email,
        issuer=person.issuer,
        subject=person.subject,
        role=None if person.role is None else Role(person.role),
        role_from=None if person.role_from is None else RoleSource(person.role_from),
        status="enabled" if person.disabled_at is None else "disabled",
        created_at=person.created_at,
        last_seen_at=person.last_seen_at,
        disabled_at=person.disabled_at,
    )
