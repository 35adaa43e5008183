"""Signing in without a provider, and who it is that calls."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from dubbing.db.unit_of_work import unit_of_work
from dubbing.domain.people import Role
from dubbing.errors import Outage, SignInUnavailable, Unauthorized
from services.api.people_schemas import Me, SessionCreate, SessionOut
from services.api.problems import refuses
from services.api.requests import Anybody, Built, Reading

router = APIRouter(prefix="/v1", tags=["sessions"])
_ME = "/v1/me"


@router.post(
    "/sessions", status_code=201, response_model=SessionOut, openapi_extra=refuses(Unauthorized, SignInUnavailable, Outage)
)
def create_session(body: SessionCreate, built: Built) -> JSONResponse:
    """Exchange a sign-in token for an access token of eight hours. It works once: if the answer is lost, ask for another."""
    built.tokens.check_key()
    with unit_of_work(built.database.sessions(), built.doorbell.ring) as work:
        token, ends = built.tokens.sign(work.people.spend(body.token), work.now())
    answer = SessionOut(access_token=token, token_type="Bearer", expires_at=ends)  # noqa: S106 - a kind of token
    # RFC 6749, 5.1: nobody on the way may keep it.
    return JSONResponse(answer.model_dump(mode="json"), 201, {"Location": _ME, "Cache-Control": "no-store"})


@router.get("/me")
def read_me(caller: Anybody, work: Reading) -> Me:
    """Who you are here: key or person, organisation, role and scopes."""
    if caller.kind == "person":
        person = work.people.get(caller.id, caller.organisation)
        name, email, role = person.name, person.email, None if person.role is None else Role(person.role)
    else:
        name, email, role = work.keys.get(caller.id, caller.organisation).name, None, None
    return Me(
        kind="person" if caller.kind == "person" else "key",
        id=caller.id,
        name=name,
        email=email,
        organisation=caller.organisation,
        role=role,
        scopes=list(caller.scopes),
    )
