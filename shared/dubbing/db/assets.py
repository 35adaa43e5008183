"""Uploads and the assets they become."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select, union, update
from sqlalchemy.orm import Session

from dubbing.db.batches import waiting_for
from dubbing.db.models import Asset, Job, Upload, WorkItem
from dubbing.db.pages import Before, made_within, paged
from dubbing.db.times import NOW, now
from dubbing.db.title_models import Language, Title
from dubbing.domain.assets import AssetState
from dubbing.domain.media import MediaInfo
from dubbing.domain.work import ENDED
from dubbing.errors import NotFound


class AssetFilter(NamedTuple):
    """Which files to list; None means all. ``before`` is the (created_at, id) that the previous page ended with."""

    organisation_id: str
    sha256: str | None = None
    state: AssetState | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    before: Before = None


class Assets:
    """Repository of uploads and assets. Never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_upload(self, upload: Upload) -> None:
        """Insert an upload."""
        self._session.add(upload)
        self._session.flush()

    def upload(self, upload_id: str, organisation_id: str, *, lock: bool = False) -> Upload:
        """The upload, if it is the organisation's; raises `NotFound`."""
        statement = select(Upload).where(Upload.id == upload_id, Upload.organisation_id == organisation_id)
        upload = self._session.scalar(statement.with_for_update() if lock else statement)
        if upload is None:
            raise NotFound(f"There is no upload {upload_id}.", where={"pointer": "/id"})
        return upload

    def open_uploads(self, organisation_id: str, limit: int, before: Before) -> list[Upload]:
        """Uploads that are neither completed nor given up, newest first."""
        statement = select(Upload).where(
            Upload.organisation_id == organisation_id, Upload.completed_at.is_(None), Upload.aborted_at.is_(None)
        )
        return list(self._session.scalars(paged(statement, Upload, limit, before)))

    def measured(self, organisation_id: str, sha256: str, size: int) -> Asset | None:
        """A file of the organisation that was read and has this SHA-256; the oldest."""
        same = select(Asset).where(Asset.organisation_id == organisation_id, Asset.sha256 == sha256, Asset.size == size)
        return self._session.scalar(same.order_by(Asset.created_at, Asset.id).limit(1))

    def page(self, wanted: AssetFilter, limit: int) -> list[Asset]:
        """Newest first."""
        statement = select(Asset).where(Asset.organisation_id == wanted.organisation_id)
        if wanted.sha256 is not None:
            statement = statement.where(Asset.sha256 == wanted.sha256)
        if wanted.state is not None:
            statement = statement.where(Asset.state == wanted.state)
        statement = made_within(statement, Asset, wanted.created_after, wanted.created_before)
        return list(self._session.scalars(paged(statement, Asset, limit, wanted.before)))

    def users(self, asset_id: str, most: int = 20) -> list[str]:
        """Ids of titles, jobs and unfinished batches that use the file, some of them where they are many."""
        titles = select(Title.id).where(Title.video_asset == asset_id)
        languages = select(Language.title_id).where(Language.audio_asset == asset_id)
        jobs = select(Job.id).where(or_(Job.video_asset == asset_id, Job.audio_asset == asset_id))
        found = union(titles, languages, jobs, waiting_for(asset_id))
        return [str(user) for user in self._session.scalars(found.order_by(found.selected_columns[0]).limit(most))]

    def is_stored(self, object_key: str) -> bool:
        """Whether a file still lies there: one that was announced again shares the bytes of the first."""
        return self._session.scalar(select(Asset.id).where(Asset.object_key == object_key).limit(1)) is not None

    def delete(self, asset: Asset) -> None:
        """Take the row away; the caller has seen that nobody uses the file."""
        self._session.delete(asset)
        self._session.flush()

    def complete(self, upload: Upload) -> Asset:
        """Turn a finished upload into its asset; the same asset when asked again."""
        known = self._session.get(Asset, upload.asset_id)
        if known is not None:
            return known
        asset = Asset(
            id=upload.asset_id,
            organisation_id=upload.organisation_id,
            object_key=upload.object_key,
            filename=upload.filename,
            size=upload.size,
            claimed_sha256=upload.claimed_sha256,
        )
        upload.completed_at = now(self._session)
        self._session.add(asset)
        self._session.flush()
        return asset

    def add(self, asset: Asset) -> Asset:
        """Insert a file that is yet to be fetched."""
        self._session.add(asset)
        self._session.flush()
        return asset

    def get(self, asset_id: str, organisation_id: str, pointer: str = "/id") -> Asset:
        """The asset, if it is the organisation's; raises `NotFound` that points at ``pointer``."""
        asset = self._session.scalar(select(Asset).where(Asset.id == asset_id, Asset.organisation_id == organisation_id))
        if asset is None:
            raise NotFound(f"There is no asset {asset_id}.", where={"pointer": pointer})
        return asset

    def by_ids(self, asset_ids: Iterable[str]) -> dict[str, Asset]:
        """Assets by id."""
        found = self._session.scalars(select(Asset).where(Asset.id.in_(list(asset_ids))))
        return {asset.id: asset for asset in found}

    def probed(self, asset_id: str, sha256: str, media: MediaInfo) -> Asset | None:
        """Keep what the probe measured; facts that were read in another way before are replaced.

        Returns the file where it was not ready before.
        """
        stale = or_(Asset.sha256.is_(None), Asset.media["reading"].astext.is_distinct_from(media.reading))
        self._session.execute(
            update(Asset)
            .where(Asset.id == asset_id, stale)
            .values(sha256=sha256, size=func.coalesce(Asset.size, media.size_bytes), media=media.model_dump(mode="json"))
        )
        now_ready = update(Asset).where(Asset.id == asset_id, Asset.state != AssetState.READY)
        return self._session.scalar(
            now_ready.values(state=AssetState.READY, problem=None).returning(Asset).execution_options(populate_existing=True)
        )

    def read_by(self, item_id: str) -> tuple[Asset, WorkItem] | None:
        """The file that is probed by this item, and the item, once that has ended."""
        statement = (
            select(Asset, WorkItem)
            .join(WorkItem, WorkItem.id == Asset.probe_item)
            .where(Asset.probe_item == item_id, Asset.state == AssetState.PROBING, WorkItem.state.in_(ENDED))
            .execution_options(populate_existing=True)
        )
        row = self._session.execute(statement).one_or_none()
        return None if row is None else (row[0], row[1])

    def reads(self, asset_id: str, item_id: str, instead_of: str | None = None) -> None:
        """Note which item probes the file, unless another than ``instead_of`` does."""
        self._while_probing(asset_id, instead_of, probe_item=item_id)

    def refuse(self, asset_id: str, item_id: str, problem: dict[str, Any]) -> None:
        """Note why the file cannot be used, if it is still probed by this item."""
        self._while_probing(asset_id, item_id, state=AssetState.REFUSED, problem=problem)

    def _while_probing(self, asset_id: str, item_id: str | None, **values: Any) -> None:
        mine = (Asset.id == asset_id, Asset.state == AssetState.PROBING, Asset.probe_item.is_not_distinct_from(item_id))
        self._session.execute(update(Asset).where(*mine).values(**values).execution_options(synchronize_session="fetch"))

    def unsettled(self) -> list[str]:
        """Items that have ended while the file that they probe does not know."""
        statement = select(WorkItem.id).join(Asset, Asset.probe_item == WorkItem.id)
        return list(self._session.scalars(statement.where(Asset.state == AssetState.PROBING, WorkItem.state.in_(ENDED))))

    def unread(self, limit: int) -> list[Asset]:
        """Files that nobody has asked to be read: they came before an upgrade."""
        statement = select(Asset).where(Asset.state == AssetState.PROBING, Asset.probe_item.is_(None))
        return list(self._session.scalars(statement.order_by(Asset.created_at).limit(limit)))

    def stale_uploads(self, limit: int = 50) -> list[Upload]:
        """Unfinished uploads past their time, locked."""
        return list(
            self._session.scalars(
                select(Upload)
                .where(Upload.expires_at < NOW, Upload.completed_at.is_(None), Upload.aborted_at.is_(None))
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
        )
