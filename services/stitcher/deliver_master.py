"""DELIVER_MASTER: a master and its receipt, from our store into a customer's bucket, in bounded memory and without a disk."""

from collections.abc import Callable

from dubbing.db.engine import Database
from dubbing.db.unit_of_work import RingBell, unit_of_work
from dubbing.domain.connections import Bucket, parted
from dubbing.domain.deliveries import DeliverMasterResult, DeliverMasterTask
from dubbing.encryption import SecretBox
from dubbing.queue.context import Context
from dubbing.storage.customer_bucket import CustomerBucket
from dubbing.storage.store import ObjectStore, sha256_of_bytes


class DeliverMasterHandler:
    """Handler of ``deliver_master`` items.

    Args:
        database: knows the connections.
        ring_bell: rings for those that a transaction asked for.
        secrets: decrypts the connections' keys.
        store: where masters lie.
        open_bucket: gives access to a customer's bucket.
    """

    def __init__(
        self,
        database: Database,
        ring_bell: RingBell,
        secrets: SecretBox,
        store: ObjectStore,
        open_bucket: Callable[[Bucket], CustomerBucket],
    ) -> None:
        self._database = database
        self._ring_bell = ring_bell
        self._secrets = secrets
        self._store = store
        self._open_bucket = open_bucket

    def __call__(self, task: DeliverMasterTask, context: Context) -> DeliverMasterResult:
        """Write both, the receipt last: who sees it finds the master whole. What lies there already is replaced.

        Raises:
            DeliveryFailed: the bucket refuses, or the connection was deleted.
            DeliveryInterrupted: its server is away.
            EncryptionUnavailable: the connection's secret cannot be read.
            UrlNotAllowed: its endpoint leads where the platform must not be sent.
            LeaseLost: another worker delivers it.
        """

        def renew() -> None:
            with unit_of_work(self._database.sessions(), self._ring_bell) as work:
                work.items.renew(context.item)

        with unit_of_work(self._database.sessions(), self._ring_bell) as work:
            bucket = self._open_bucket(work.connections.bucket(task.connection_id, self._secrets.decrypt))
        receipt = self._store.get_bytes(task.receipt)
        bucket.put(parted(task.url)[1], self._store.read(task.master), task.size, task.sha256, renew)
        bucket.put(parted(task.receipt_url)[1], [receipt], len(receipt), sha256_of_bytes(receipt), renew)
        return DeliverMasterResult(size=task.size)
