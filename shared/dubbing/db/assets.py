"""Uploads and the assets they become."""

from collections.abc import Iterable

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from dubbing.db.models import Asset, Upload
from dubbing.db.times import NOW, now
from dubbing.domain.media import MediaInfo
from dubbing.errors import NotFound


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

    def probed(self, asset_id: str, sha256: str, media: MediaInfo) -> None:
        """Keep what the probe measured; facts that were read in another way before are replaced."""
        stale = or_(Asset.sha256.is_(None), Asset.media["reading"].astext.is_distinct_from(media.reading))
        self._session.execute(
            update(Asset)
            .where(Asset.id == asset_id, stale)
            .values(sha256=sha256, size=func.coalesce(Asset.size, media.size_bytes), media=media.model_dump(mode="json"))
        )

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
