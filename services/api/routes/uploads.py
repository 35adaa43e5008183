"""Uploads: the client sends parts straight to the object store, and can ask at any time which ones are missing."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse

from dubbing import clock, ids
from dubbing.db.assets import AssetFilter
from dubbing.db.models import Asset, Upload
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.errors import BadParts, Conflict, EmptyMedia, FileTooLarge, InvalidCursor, StoreUnavailable
from dubbing.storage.store import Part
from services.api import paging
from services.api.bootstrap import Services
from services.api.filters import PageQuery
from services.api.problems import refuses
from services.api.requests import AssetsRead, AssetsWrite, Built, Caller, OnceOnly, Reading
from services.api.schemas import (
    AssetOut,
    AssetPage,
    AssetRead,
    OpenUpload,
    PartDone,
    PartUrl,
    UploadComplete,
    UploadCreate,
    UploadOut,
    UploadPage,
)
from services.api.values import Moment, Sha256

router = APIRouter(prefix="/v1", tags=["uploads"])
assets = APIRouter(prefix="/v1", tags=["assets"])

_MOST_PARTS = 1000  # S3 allows 10,000; with 1,000 every URL fits in one answer
_MIB = 1 << 20
UploadId = Annotated[str, Path(pattern=r"^upl_[0-9a-z]{26}$")]
AssetId = Annotated[str, Path(pattern=r"^ast_[0-9a-z]{26}$")]


@router.post(
    "/uploads", status_code=201, response_model=UploadOut, openapi_extra=refuses(EmptyMedia, FileTooLarge, StoreUnavailable)
)
def create_upload(body: UploadCreate, caller: AssetsWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Announce a file and get presigned URLs for its parts."""
    if body.size == 0:
        raise EmptyMedia(f"{body.filename} is empty.", where={"pointer": "/size"})
    if body.size > built.api.max_upload:
        raise FileTooLarge(
            f"{body.filename} has {body.size} bytes; the limit is {built.api.max_upload}.",
            where={"pointer": "/size"},
            media={"limit": built.api.max_upload},
        )
    return once.run(caller, 201, body, lambda work: _create(work, built, caller, body), at="/v1/uploads/{upload_id}")


def _create(work: UnitOfWork, built: Services, caller: Caller, body: UploadCreate) -> UploadOut:
    known = None if body.sha256 is None else work.assets.measured(caller.organisation, body.sha256, body.size)
    if known is not None and built.store.size(known.object_key) == known.size:
        return _known(work, built, caller, body, known)
    asset_id = ids.new_id("ast")
    key = ids.asset_key(asset_id, body.filename)
    least = -(-body.size // (_MOST_PARTS * _MIB)) * _MIB
    upload = Upload(
        id=ids.new_id("upl"),
        organisation_id=caller.organisation,
        asset_id=asset_id,
        object_key=key,
        s3_upload_id=built.store.start_upload(key),
        filename=body.filename,
        size=body.size,
        part_size=max(built.api.part_size, least),
        claimed_sha256=body.sha256,
        expires_at=work.now() + timedelta(seconds=built.queue.upload_ttl),
    )
    work.assets.add_upload(upload)
    return _view(built, upload, [])


def _known(work: UnitOfWork, built: Services, caller: Caller, body: UploadCreate, asset: Asset) -> UploadOut:
    """An upload that is completed already: the organisation has the file, as its bytes were measured, under another name."""
    same = Asset(
        id=ids.new_id("ast"),
        organisation_id=caller.organisation,
        object_key=asset.object_key,
        filename=body.filename,
        size=asset.size,
        claimed_sha256=body.sha256,
        sha256=asset.sha256,
        media=asset.media,
    )
    work.assets.add(same)
    upload = Upload(
        id=ids.new_id("upl"),
        organisation_id=caller.organisation,
        asset_id=same.id,
        object_key=asset.object_key,
        s3_upload_id="",
        filename=body.filename,
        size=body.size,
        part_size=built.api.part_size,
        claimed_sha256=body.sha256,
        expires_at=work.now(),
        completed_at=work.now(),
    )
    work.assets.add_upload(upload)
    return _view(built, upload, [])


@router.get("/uploads", openapi_extra=refuses(InvalidCursor))
def list_uploads(caller: AssetsRead, work: Reading, query: Annotated[PageQuery, Query()]) -> UploadPage:
    """Uploads that wait for parts, newest first."""
    found = work.assets.open_uploads(caller.organisation, query.limit + 1, query.before)
    page, cursor = paging.cut(found, query.limit)
    items = [
        OpenUpload(
            upload_id=upload.id,
            filename=upload.filename,
            size=upload.size,
            created_at=upload.created_at,
            expires_at=upload.expires_at,
        )
        for upload in page
    ]
    return UploadPage(items=items, next_cursor=cursor)


@router.get("/uploads/{upload_id}", openapi_extra=refuses(StoreUnavailable))
def read_upload(upload_id: UploadId, caller: AssetsRead, built: Built, work: Reading) -> UploadOut:
    """Which parts arrived and which are missing, with fresh URLs: how to resume."""
    upload = work.assets.upload(upload_id, caller.organisation)
    return _view(built, upload, _arrived(built, upload) if _state(upload) == "uploading" else [])


@router.post(
    "/uploads/{upload_id}/complete", response_model=AssetOut, openapi_extra=refuses(BadParts, Conflict, StoreUnavailable)
)
def complete_upload(
    upload_id: UploadId, body: UploadComplete, caller: AssetsWrite, built: Built, once: OnceOnly
) -> JSONResponse:
    """Make the parts an asset. Completing again gives the same asset."""
    return once.run(caller, 200, body, lambda work: _complete(work, built, caller, upload_id, body))


def _complete(work: UnitOfWork, built: Services, caller: Caller, upload_id: str, body: UploadComplete) -> AssetOut:
    upload = work.assets.upload(upload_id, caller.organisation, lock=True)
    if upload.aborted_at is not None:
        raise Conflict(f"Upload {upload_id} was given up at {upload.aborted_at:%F %T} UTC; start a new one.")
    if upload.completed_at is None:
        _assemble(built, upload, body)
    return asset_view(work.assets.complete(upload))


def _assemble(built: Services, upload: Upload, body: UploadComplete) -> None:
    arrived = built.store.list_parts(upload.object_key, upload.s3_upload_id)
    if not arrived and built.store.size(upload.object_key) == upload.size:
        return  # assembled by a call that died before it could say so
    _check_parts(upload, arrived)
    etags = {part.number: part.etag for part in arrived}
    for part in body.parts or ():
        if etags.get(part.n) != part.etag.strip('"'):
            raise BadParts(f"Part {part.n} has another ETag than the bytes that arrived.", where={"pointer": "/parts"})
    built.store.finish_upload(upload.object_key, upload.s3_upload_id, sorted(etags.items()))


def _check_parts(upload: Upload, arrived: list[Part]) -> None:
    sizes = {part.number: part.size for part in arrived}
    missing = [n for n, _, size in _layout(upload) if sizes.pop(n, None) != size]
    if missing or sizes:
        raise BadParts(
            f"{len(missing)} parts are missing or have another length than announced (first: {missing[:5]})."
            if missing
            else f"Parts {sorted(sizes)[:5]} lie beyond the {upload.size} bytes announced.",
            where={"pointer": "/parts", "parts": missing[:100]},
            suggestions=(f"GET /v1/uploads/{upload.id} lists them with fresh URLs",),
        )


def _layout(upload: Upload) -> list[tuple[int, int, int]]:
    """(number, offset, size) of every part."""
    return [
        (index + 1, offset, min(upload.part_size, upload.size - offset))
        for index, offset in enumerate(range(0, upload.size, upload.part_size))
    ]


def _arrived(built: Services, upload: Upload) -> list[Part]:
    return built.store.list_parts(upload.object_key, upload.s3_upload_id)


def _state(upload: Upload) -> Literal["completed", "aborted", "uploading"]:
    if upload.completed_at is not None:
        return "completed"
    return "uploading" if upload.aborted_at is None else "aborted"


def _view(built: Services, upload: Upload, arrived: list[Part]) -> UploadOut:
    whole = {number: size for number, _, size in _layout(upload)}
    done = [part for part in arrived if whole.get(part.number) == part.size]
    have = {part.number for part in done}
    state = _state(upload)
    ttl = built.api.url_ttl
    missing = [] if state != "uploading" else [part for part in _layout(upload) if part[0] not in have]
    return UploadOut(
        upload_id=upload.id,
        filename=upload.filename,
        size=upload.size,
        part_size=upload.part_size,
        parts=[
            PartUrl(
                n=number,
                offset=offset,
                size=size,
                url=built.store.part_url(upload.object_key, upload.s3_upload_id, number, ttl),
            )
            for number, offset, size in missing
        ],
        done=[PartDone(n=part.number, size=part.size, etag=part.etag) for part in done],
        state=state,
        asset_id=upload.asset_id if state == "completed" else None,
        urls_expire_at=_in(ttl),
        expires_at=upload.expires_at,
    )


def _in(seconds: float) -> datetime:
    return clock.now() + timedelta(seconds=seconds)


class AssetQuery(PageQuery):
    """Which files to list."""

    sha256: Sha256 | None = None
    created_after: Moment | None = None
    created_before: Moment | None = None


@assets.get("/assets", openapi_extra=refuses(InvalidCursor))
def list_assets(caller: AssetsRead, work: Reading, query: Annotated[AssetQuery, Query()]) -> AssetPage:
    """Stored files, newest first."""
    times = (query.created_after, query.created_before)
    found = work.assets.page(AssetFilter(caller.organisation, query.sha256, *times, query.before), query.limit + 1)
    page, cursor = paging.cut(found, query.limit)
    return AssetPage(items=[asset_view(asset) for asset in page], next_cursor=cursor)


@assets.post("/assets/{asset_id}/delete", response_model=AssetOut, openapi_extra=refuses(Conflict, StoreUnavailable))
def delete_asset(asset_id: AssetId, caller: AssetsWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Delete a file for good. One that a title or a job uses is a conflict that names them."""

    def delete(work: UnitOfWork) -> AssetOut:
        asset = work.assets.get(asset_id, caller.organisation)
        users = work.assets.users(asset_id)
        if users:
            raise Conflict(f"{asset.filename} is in use by {', '.join(users)}.", where={"pointer": "/id", "used_by": users})
        shown = asset_view(asset)
        work.assets.delete(asset)
        if not work.assets.is_stored(asset.object_key):
            built.store.delete_prefix(f"{asset.object_key.rpartition('/')[0]}/")
        return shown

    return once.run(caller, 200, None, delete)


@assets.get("/assets/{asset_id}")
def read_asset(asset_id: AssetId, caller: AssetsRead, built: Built, work: Reading) -> AssetRead:
    """A stored file, what it holds once a job has probed it, and where its bytes are."""
    asset, ttl = work.assets.get(asset_id, caller.organisation), built.api.url_ttl
    url = built.store.url(asset.object_key, ttl, filename=asset.filename)
    return AssetRead(**asset_view(asset).model_dump(), url=url, url_expires_at=_in(ttl))


def asset_view(asset: Asset) -> AssetOut:
    """An asset as the API shows it."""
    return AssetOut(
        id=asset.id,
        filename=asset.filename,
        size=asset.size,
        sha256=asset.sha256,
        media=asset.media,
        created_at=asset.created_at,
    )
