"""The keys of an organisation: who has them, what they may do, and new secrets for them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse

from dubbing.db.keys import create_api_key
from dubbing.db.models import ApiKey
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.errors import Conflict, Forbidden, InvalidCursor
from services.api import paging
from services.api.filters import PageQuery
from services.api.key_schemas import KeyCreate, KeyMade, KeyOut, KeyPage, KeyRotation
from services.api.problems import refuses
from services.api.requests import Caller, KeysRead, KeysWrite, OnceOnly, Reading

router = APIRouter(prefix="/v1", tags=["keys"])
KeyId = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]
_KEY = "/v1/keys/{id}"


@router.post("/keys", status_code=201, response_model=KeyMade, openapi_extra=refuses(Conflict))
def create_key(body: KeyCreate, caller: KeysWrite, once: OnceOnly) -> JSONResponse:
    """A new key of your organisation. It can do no more than yours, and is shown this once."""

    def create(work: UnitOfWork) -> KeyMade:
        _check_scopes(caller, body.scopes)
        if body.expires_at is not None and body.expires_at <= work.now():
            raise Conflict("The key would have ended before it began.", where={"pointer": "/expires_at"})
        scopes = tuple(dict.fromkeys(body.scopes))
        token = create_api_key(
            work.session, body.name, caller.organisation, scopes, body.expires_at, created_by=caller.principal
        )
        return _made(work.keys.get(token.split("_")[1], caller.organisation), token)

    return once.run(caller, 201, body, create, at=_KEY, unkept=("key",))


@router.get("/keys", openapi_extra=refuses(InvalidCursor))
def list_keys(caller: KeysRead, work: Reading, query: Annotated[PageQuery, Query()]) -> KeyPage:
    """The keys of your organisation, newest first, revoked ones too. Secrets are never shown."""
    found = work.keys.page(caller.organisation, query.limit + 1, query.before)
    page, cursor = paging.cut(found, query.limit)
    return KeyPage(items=[_view(key) for key in page], next_cursor=cursor)


@router.get("/keys/{key_id}")
def read_key(key_id: KeyId, caller: KeysRead, work: Reading) -> KeyOut:
    """One key: what it may do, and when it was last used."""
    return _view(work.keys.get(key_id, caller.organisation))


@router.post("/keys/{key_id}/rotate", response_model=KeyMade, openapi_extra=refuses(Conflict))
def rotate_key(key_id: KeyId, body: KeyRotation, caller: KeysWrite, once: OnceOnly) -> JSONResponse:
    """Give a key a new secret. The one before stays valid for a while, so that nothing stops while you change it."""

    def rotate(work: UnitOfWork) -> KeyMade:
        key = work.keys.get(key_id, caller.organisation)
        _check_scopes(caller, key.scopes)
        if key.revoked_at is not None:
            raise Conflict(f"Key {key_id} is revoked; make a new one.")
        return _made(key, work.keys.rotate(key, body.overlap_hours))

    return once.run(caller, 200, body, rotate, unkept=("key",))


@router.post("/keys/{key_id}/revoke", response_model=KeyOut, openapi_extra=refuses(Conflict))
def revoke_key(key_id: KeyId, caller: KeysWrite, once: OnceOnly) -> JSONResponse:
    """End a key at once, its secret before too. Twice is harmless; your own key is a conflict, for who would let you in?"""

    def revoke(work: UnitOfWork) -> KeyOut:
        key = work.keys.get(key_id, caller.organisation)
        if (caller.kind, caller.id) == ("key", key.prefix):
            raise Conflict("This is the key that you call with; revoke it with another one.")
        if key.revoked_at is None:
            work.keys.revoke(key_id)
            work.session.refresh(key)
        return _view(key)

    return once.run(caller, 200, None, revoke)


def _check_scopes(caller: Caller, scopes: list[str]) -> None:
    """Refuse to give away what the caller does not have."""
    if beyond := sorted(set(scopes) - set(caller.scopes)):
        raise Forbidden(
            f"You lack {', '.join(beyond)}, and cannot give away what you do not have.", where={"pointer": "/scopes"}
        )


def _view(key: ApiKey) -> KeyOut:
    return KeyOut(
        id=key.prefix,
        name=key.name,
        scopes=key.scopes,
        created_by=key.created_by,
        created_at=key.created_at,
        last_used_at=key.last_used_at,
        expires_at=key.expires_at,
        previous_until=key.previous_until,
        revoked_at=key.revoked_at,
    )


def _made(key: ApiKey, token: str) -> KeyMade:
    return KeyMade(**_view(key).model_dump(), key=token)
