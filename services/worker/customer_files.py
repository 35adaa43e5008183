"""Files that lie elsewhere: at a URL that anybody may read, or in a customer's bucket, read with the customer's own key."""

from collections.abc import Callable
from pathlib import Path

from dubbing.db.engine import Database
from dubbing.db.unit_of_work import unit_of_work
from dubbing.domain.connections import Bucket, parted
from dubbing.domain.work import ProbeTask
from dubbing.encryption import SecretBox
from dubbing.settings import FetchSettings
from dubbing.storage.customer_bucket import CustomerBucket
from dubbing.storage.remote import RemoteFiles


class CustomerFiles:
    """Fetches files.

    Args:
        remote: fetches those at URLs.
        limits: how much is taken of one in a bucket, and for how long.
        database: knows the connections.
        secrets: decrypts their keys.
        open_bucket: gives access to a customer's bucket.
    """

    def __init__(
        self,
        remote: RemoteFiles,
        limits: FetchSettings,
        database: Database,
        secrets: SecretBox,
        open_bucket: Callable[[Bucket], CustomerBucket],
    ) -> None:
        self._remote = remote
        self._limits = limits
        self._database = database
        self._secrets = secrets
        self._open_bucket = open_bucket

    def fetch(self, task: ProbeTask, path: Path, go_on: Callable[[], None]) -> None:
        """Write the file of a task to ``path``; ``go_on`` is called now and then, and what it raises ends the fetch.

        Raises:
            UrlNotAllowed: it lies where the platform must not be sent.
            FetchFailed: its server refuses, or sends something else than media.
            FileTooLarge: it is larger than the limit.
            FetchInterrupted: its server is away, or broke off.
            EncryptionUnavailable: the connection's secret cannot be read.
        """
        url = task.url or ""
        if task.connection is None:
            self._remote.fetch(url, path, go_on)
            return
        with unit_of_work(self._database.sessions(), lambda _: None) as work:
            bucket = work.connections.bucket(task.connection, self._secrets.decrypt)
        self._open_bucket(bucket).fetch(parted(url)[1], path, self._limits, go_on)
