"""Connections to customers' buckets: who has them, and what uses them."""

from collections.abc import Callable

from sqlalchemy import and_, func, or_, select, union
from sqlalchemy.orm import Session

from dubbing.db.connection_models import MasterDelivery, StorageConnection
from dubbing.db.models import Asset, Job
from dubbing.db.pages import Before, paged
from dubbing.db.title_models import Language
from dubbing.domain.connections import Bucket, MasterState
from dubbing.domain.jobs import TERMINAL, JobState
from dubbing.errors import Conflict, NotFound

MOST_CONNECTIONS = 100
"""Of one organisation."""


class Connections:
    """Repository of connections. Never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, connection: StorageConnection) -> None:
        """Insert a connection; raises `Conflict` where the organisation has too many."""
        mine = select(func.count()).where(StorageConnection.organisation_id == connection.organisation_id)
        if (self._session.scalar(mine) or 0) >= MOST_CONNECTIONS:
            raise Conflict(
                f"There are {MOST_CONNECTIONS} storage connections already.",
                suggestions=("delete one that is not used",),
                media={"limit": MOST_CONNECTIONS},
            )
        self._session.add(connection)
        self._session.flush()

    def get(self, connection_id: str, organisation_id: str, *, lock: bool = False) -> StorageConnection:
        """The connection, if it is the organisation's; raises `NotFound`."""
        wanted = select(StorageConnection).where(
            StorageConnection.id == connection_id, StorageConnection.organisation_id == organisation_id
        )
        found = self._session.scalar(wanted.with_for_update() if lock else wanted)
        if found is None:
            raise NotFound(f"There is no storage connection {connection_id}.", where={"pointer": "/id"})
        return found

    def hold(self, connection_id: str, organisation_id: str, pointer: str) -> StorageConnection:
        """The connection, for whoever writes a row that needs it: it is not deleted before this transaction ends.

        Raises:
            NotFound: it is none of the organisation's; points at ``pointer``.
        """
        wanted = select(StorageConnection).where(
            StorageConnection.id == connection_id, StorageConnection.organisation_id == organisation_id
        )
        found = self._session.scalar(wanted.with_for_update(read=True, key_share=True))
        if found is None:
            raise NotFound(f"There is no storage connection {connection_id}.", where={"pointer": pointer})
        return found

    def page(self, organisation_id: str, limit: int, before: Before) -> list[StorageConnection]:
        """Newest first."""
        wanted = select(StorageConnection).where(StorageConnection.organisation_id == organisation_id)
        return list(self._session.scalars(paged(wanted, StorageConnection, limit, before)))

    def bucket(self, connection_id: str, decrypt: Callable[[str], str]) -> Bucket:
        """A connection's bucket with its credentials, for the work that asks it.

        Raises:
            NotFound: the connection was deleted.
            EncryptionUnavailable: its secret cannot be read.
        """
        found = self._session.get(StorageConnection, connection_id)
        if found is None:
            raise NotFound(f"The storage connection {connection_id} was deleted.")
        return bucket_of(found, decrypt)

    def users(self, connection: StorageConnection, most: int = 20) -> list[str]:
        """What still needs it: languages, and jobs whose files are yet to be fetched or whose master to be delivered."""
        named = Language.title_id.op("||")("/").op("||")(Language.language)
        languages = select(named.label("id")).where(Language.connection_id == connection.id)
        unread = and_(Asset.connection_id == connection.id, Asset.sha256.is_(None))
        sounds = select(named).join(Asset, Asset.id == Language.audio_asset).where(unread)
        used = or_(Job.video_asset == Asset.id, Job.audio_asset == Asset.id)
        readers = select(Job.id).join(Asset, used).where(unread, Job.state.not_in(TERMINAL))
        sent = or_(
            MasterDelivery.state == MasterState.PENDING,
            and_(MasterDelivery.state == MasterState.WAITING, Job.state.not_in([JobState.FAILED, JobState.CANCELED])),
        )
        senders = (
            select(Job.id)
            .join(MasterDelivery, MasterDelivery.job_id == Job.id)
            .where(MasterDelivery.connection_id == connection.id, sent)
        )
        found = union(languages, sounds, readers, senders)
        return [str(user) for user in self._session.scalars(found.order_by(found.selected_columns[0]).limit(most))]

    def delete(self, connection: StorageConnection) -> None:
        """Take a locked row away; the caller has seen that nothing uses it."""
        self._session.delete(connection)
        self._session.flush()

    def renew_secrets(self, renew: Callable[[str], str]) -> int:
        """Encrypt the secrets of every connection anew; returns how many there are."""
        found = self._session.scalars(select(StorageConnection).order_by(StorageConnection.id).with_for_update()).all()
        for connection in found:
            connection.secret_key = renew(connection.secret_key)
        return len(found)


def bucket_of(connection: StorageConnection, decrypt: Callable[[str], str]) -> Bucket:
    """A connection's bucket with its credentials; raises `EncryptionUnavailable`."""
    return Bucket(
        endpoint=connection.endpoint,
        region=connection.region,
        name=connection.bucket,
        prefix=connection.prefix,
        access_key=connection.access_key,
        secret_key=decrypt(connection.secret_key),
    )
