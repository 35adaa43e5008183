"""Batches: many jobs in one call."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field, TypeAdapter

from dubbing import ids
from dubbing.db.batch_models import JobBatch
from dubbing.db.batches import ItemFilter, ShownItem, failed_states
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.batches import OPEN, BatchState, percent
from dubbing.errors import BadInput, Conflict, FileTooLarge, InvalidCursor, NotFound, ObjectMissing, StoreUnavailable
from services.api import batch_items, paging, problems
from services.api.batch_schemas import BatchCreate, BatchItemOut, BatchItemPage, BatchOut, BatchPage, Shown
from services.api.bootstrap import Services
from services.api.filters import PageQuery
from services.api.problems import refuses
from services.api.requests import Built, Caller, JobsRead, JobsWrite, OnceOnly, Reading
from services.api.schemas import AssetRef

router = APIRouter(prefix="/v1", tags=["batches"])
BatchId = Annotated[str, Path(pattern=r"^bat_[0-9a-z]{26}$")]
BATCH = "/v1/batches/{id}"
_FIRST = 5
_SHOWN: TypeAdapter[Shown] = TypeAdapter(Shown)


class ItemQuery(PageQuery):
    """Which items of a batch to list."""

    status: list[Shown] = Field(default_factory=list)


@router.post(
    "/batches",
    status_code=202,
    response_model=BatchOut,
    openapi_extra=refuses(Conflict, FileTooLarge, NotFound, StoreUnavailable),
)
def create_batch(body: BatchCreate, caller: JobsWrite, built: Built, once: OnceOnly, request: Request) -> JSONResponse:
    """Ask for many jobs: dubs, and renders of titles' languages. A faulty item is refused by itself, and the others go on.

    The items become jobs one after another; the batch tells how far that is.
    """
    answer = once.run(caller, 202, body, lambda work: _create(work, built, caller, body), at=BATCH)
    request.app.state.submitter.wake()
    return answer


def _create(work: UnitOfWork, built: Services, caller: Caller, body: BatchCreate) -> BatchOut:
    file = body.items.id if isinstance(body.items, AssetRef) else None
    given = list(batch_items.inline(body.items)) if isinstance(body.items, list) else _lines(work, built, caller, body.items)
    batch = JobBatch(
        id=ids.new_id("bat"),
        organisation_id=caller.organisation,
        name=body.name,
        state=BatchState.SUBMITTING,
        asset_id=file,
        labels=body.metadata,
    )
    work.batches.add(batch, [batch_items.row(one, caller) for one in given])
    return _view(work, built, [batch])[0]


def _lines(work: UnitOfWork, built: Services, caller: Caller, file: AssetRef) -> list[batch_items.RawItem]:
    asset = work.assets.get(file.id, caller.organisation, "/items/id")
    where = {"pointer": "/items/id"}
    if (asset.size or 0) > batch_items.MOST_BYTES:
        raise FileTooLarge(f"{asset.filename} has {asset.size} bytes; the limit is {batch_items.MOST_BYTES}.", where=where)
    try:
        return batch_items.lines(built.store.get_bytes(asset.object_key), "/items/id")
    except ObjectMissing as error:
        raise Conflict(f"{asset.filename} was not fetched yet.", where=where) from error
    except BadInput as error:
        error.where = {**error.where, **where}
        raise


@router.get("/batches", openapi_extra=refuses(InvalidCursor))
def list_batches(caller: JobsRead, built: Built, work: Reading, query: Annotated[PageQuery, Query()]) -> BatchPage:
    """Batches, newest first."""
    page, cursor = paging.cut(work.batches.page(caller.organisation, query.limit + 1, query.before), query.limit)
    return BatchPage(items=_view(work, built, page), next_cursor=cursor)


@router.get("/batches/{batch_id}")
def read_batch(batch_id: BatchId, caller: JobsRead, built: Built, work: Reading) -> BatchOut:
    """One batch: how many of its items are what, and the first that failed."""
    return _view(work, built, [work.batches.get(batch_id, caller.organisation)])[0]


@router.get("/batches/{batch_id}/items", openapi_extra=refuses(InvalidCursor))
def list_batch_items(
    batch_id: BatchId, caller: JobsRead, built: Built, work: Reading, query: Annotated[ItemQuery, Query()]
) -> BatchItemPage:
    """The items of a batch, in order."""
    work.batches.get(batch_id, caller.organisation)
    after = None if query.cursor is None else paging.read_number(query.cursor)
    found = work.batches.items(ItemFilter(batch_id, tuple(query.status), after), query.limit + 1)
    page = found[: query.limit]
    cursor = paging.number_cursor(page[-1].item.number) if len(found) > query.limit else None
    return BatchItemPage(items=[_item(built, one) for one in page], next_cursor=cursor)


@router.post("/batches/{batch_id}/cancel", status_code=202, response_model=BatchOut, openapi_extra=refuses(Conflict))
def cancel_batch(batch_id: BatchId, caller: JobsWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Cancel: nothing more becomes a job, and the jobs that the batch has made are cancelled, one after another.

    Cancelling twice is fine; a batch that has ended is a conflict.
    """

    def cancel(work: UnitOfWork) -> BatchOut:
        batch = work.batches.get(batch_id, caller.organisation, lock=True)
        if batch.state == BatchState.COMPLETED:
            raise Conflict(f"Batch {batch_id} is {batch.state}; only one that has not ended can be cancelled.")
        if batch.state in OPEN and batch.state != BatchState.CANCELING:
            work.batches.cancel(batch)
        return _view(work, built, [batch])[0]

    return once.run(caller, 202, None, cancel, at=BATCH)


def _view(work: UnitOfWork, built: Services, found: Sequence[JobBatch]) -> list[BatchOut]:
    counts = work.batches.counts([batch.id for batch in found])
    return [_one(work, built, batch, counts[batch.id]) for batch in found]


def _one(work: UnitOfWork, built: Services, batch: JobBatch, counts: dict[str, int]) -> BatchOut:
    states = failed_states()
    failed = work.batches.items(ItemFilter(batch.id, states), _FIRST) if any(counts.get(state) for state in states) else []
    return BatchOut(
        id=batch.id,
        name=batch.name,
        status=BatchState(batch.state),
        file=batch.asset_id,
        total=sum(counts.values()),
        percent=percent(counts),
        counts=counts,
        failures=[_item(built, one) for one in failed],
        metadata=batch.labels,
        created_at=batch.created_at,
        finished_at=batch.finished_at,
    )


def _item(built: Services, shown: ShownItem) -> BatchItemOut:
    item = shown.item
    at = f"/v1/jobs/{item.job_id}" if item.job_id is not None else f"/v1/batches/{item.batch_id}"
    return BatchItemOut(
        number=item.number,
        status=_SHOWN.validate_python(shown.state),
        job=item.job_id,
        idempotency_key=item.key,
        replayed=item.replayed,
        error=problems.stored(built.api.docs_url, shown.error, at),
    )
