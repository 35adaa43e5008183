"""Connections to customers' buckets: make, list, test, rotate, delete. Secrets go in, and never come out again."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse

from dubbing import ids
from dubbing.db.connection_models import StorageConnection
from dubbing.db.connections import bucket_of
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.connections import folder
from dubbing.errors import Conflict, EncryptionUnavailable, InvalidCursor, UrlNotAllowed
from dubbing.storage.customer_bucket import CustomerBucket, check_endpoint
from services.api import paging
from services.api.bootstrap import Services
from services.api.connection_schemas import (
    ConnectionCreate,
    ConnectionOut,
    ConnectionPage,
    ConnectionRotation,
    ConnectionStep,
    ConnectionTest,
)
from services.api.filters import PageQuery
from services.api.problems import refuses
from services.api.requests import Built, ConnectionsRead, ConnectionsWrite, OnceOnly, Reading, acting

router = APIRouter(prefix="/v1", tags=["connections"])
_CONNECTION = "/v1/storage-connections/{id}"
ConnectionId = Annotated[str, Path(pattern=r"^con_[0-9a-z]{26}$")]


@router.post(
    "/storage-connections",
    status_code=201,
    response_model=ConnectionOut,
    openapi_extra=refuses(Conflict, EncryptionUnavailable, UrlNotAllowed),
)
def create_connection(body: ConnectionCreate, caller: ConnectionsWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Connect a bucket. Nothing is asked of it yet: test the connection to see that it works."""

    def create(work: UnitOfWork) -> ConnectionOut:
        _check_endpoint(built, body.endpoint)
        connection = StorageConnection(
            id=ids.new_id("con"),
            organisation_id=caller.organisation,
            name=body.name,
            endpoint=body.endpoint.rstrip("/"),
            region=body.region,
            bucket=body.bucket,
            prefix=folder(body.prefix),
            access_key=body.access_key,
            secret_key=built.secrets.encrypt(body.secret_key),
        )
        work.connections.add(connection)
        return _view(connection)

    return once.run(caller, 201, body, create, at=_CONNECTION)


@router.get("/storage-connections", openapi_extra=refuses(InvalidCursor))
def list_connections(caller: ConnectionsRead, work: Reading, query: Annotated[PageQuery, Query()]) -> ConnectionPage:
    """Connections, newest first."""
    page, cursor = paging.cut(work.connections.page(caller.organisation, query.limit + 1, query.before), query.limit)
    return ConnectionPage(items=[_view(connection) for connection in page], next_cursor=cursor)


@router.get("/storage-connections/{connection_id}")
def read_connection(connection_id: ConnectionId, caller: ConnectionsRead, work: Reading) -> ConnectionOut:
    """One connection."""
    return _view(work.connections.get(connection_id, caller.organisation))


@router.post(
    "/storage-connections/{connection_id}/test",
    response_model=ConnectionTest,
    openapi_extra=refuses(EncryptionUnavailable, UrlNotAllowed),
)
def test_connection(connection_id: ConnectionId, caller: ConnectionsWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Write, read and delete an object `dubline-probe-...` there now, and tell what works and what is missing."""
    # The bucket is asked while no transaction is open: a slow one must not keep the database's connections.
    with acting(built, caller) as work:
        bucket = bucket_of(work.connections.get(connection_id, caller.organisation), built.secrets.decrypt)
    key = f"{bucket.prefix}dubline-probe-{ids.new_id('prb')}"
    return once.run(caller, 200, None, lambda _: _tested(built.open_bucket(bucket), key))


@router.post(
    "/storage-connections/{connection_id}/rotate", response_model=ConnectionOut, openapi_extra=refuses(EncryptionUnavailable)
)
def rotate_connection(
    connection_id: ConnectionId, body: ConnectionRotation, caller: ConnectionsWrite, built: Built, once: OnceOnly
) -> JSONResponse:
    """Give it another key of the same bucket. What is being read or written goes on with the one before."""

    def rotate(work: UnitOfWork, connection: StorageConnection) -> None:
        connection.access_key, connection.secret_key = body.access_key, built.secrets.encrypt(body.secret_key)
        connection.rotated_at = work.now()

    return once.run(caller, 200, body, _changed(connection_id, caller.organisation, rotate))


@router.post("/storage-connections/{connection_id}/delete", response_model=ConnectionOut, openapi_extra=refuses(Conflict))
def delete_connection(connection_id: ConnectionId, caller: ConnectionsWrite, once: OnceOnly) -> JSONResponse:
    """Forget a connection that nothing needs any more, with its secret; the bucket stays as it is."""

    def delete(work: UnitOfWork, connection: StorageConnection) -> None:
        if users := work.connections.users(connection):
            raise Conflict(
                f"The connection {connection_id} is still needed.",
                where={"used_by": users},
                suggestions=("wait until these jobs have ended, and give these languages another output or none",),
            )
        work.connections.delete(connection)

    return once.run(caller, 200, None, _changed(connection_id, caller.organisation, delete))


def _changed(
    connection_id: str, organisation_id: str, do: Callable[[UnitOfWork, StorageConnection], None]
) -> Callable[[UnitOfWork], ConnectionOut]:
    def change(work: UnitOfWork) -> ConnectionOut:
        connection = work.connections.get(connection_id, organisation_id, lock=True)
        do(work, connection)
        return _view(connection)

    return change


def _check_endpoint(built: Services, endpoint: str) -> None:
    try:
        check_endpoint(endpoint, built.buckets)
    except UrlNotAllowed as error:
        error.where = {"pointer": "/endpoint", **error.where}
        raise


def _tested(bucket: CustomerBucket, key: str) -> ConnectionTest:
    steps = [ConnectionStep.model_validate(step._asdict()) for step in bucket.examine(key)]
    return ConnectionTest(ok=all(step.ok for step in steps), steps=steps)


def _view(connection: StorageConnection) -> ConnectionOut:
    return ConnectionOut(
        id=connection.id,
        name=connection.name,
        endpoint=connection.endpoint,
        region=connection.region,
        bucket=connection.bucket,
        prefix=connection.prefix,
        access_key=connection.access_key,
        created_at=connection.created_at,
        rotated_at=connection.rotated_at,
    )
