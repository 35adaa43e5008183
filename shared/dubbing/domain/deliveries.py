"""Payloads and results of work that leaves the platform: webhooks, and masters for buckets of customers."""

from dubbing.domain.frozen import Frozen


class DeliverTask(Frozen):
    """Send what is due to a webhook endpoint, one delivery after another."""

    endpoint_id: str


class DeliverResult(Frozen):
    """How many calls were made."""

    calls: int


class DeliverMasterTask(Frozen):
    """Write a master and its receipt, which lie under these keys of our store, to these places in a customer's bucket."""

    delivery_id: str
    connection_id: str
    master: str
    receipt: str
    size: int
    sha256: str
    url: str
    receipt_url: str


class DeliverMasterResult(Frozen):
    """How many bytes the customer has."""

    size: int
