"""A customer's object store: a server of the same kind at an address that is not loopback, and credentials of its own."""

import os
import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_address
from socket import SHUT_WR, create_connection, socket
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from web_server import HERE, NEAR

from dubbing.domain.connections import Bucket
from dubbing.settings import BucketSettings
from dubbing.storage.customer_bucket import CustomerBucket
from dubbing.storage.remote import resolved
from dubbing.storage.s3 import S3Store
from services.stack.bootstrap import store_settings
from services.stack.home import home_at
from services.stack.local import LocalStack

HOST = "bucket.studio.example"
OPENED = BucketSettings(ranges=NEAR, http_hosts=(HOST, HERE))


class Forwarder(socketserver.ThreadingTCPServer):
    """Passes connections on, as a customer's server at an address of its own would take them."""

    daemon_threads = True

    def __init__(self, target: tuple[str, int]) -> None:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with closing(create_connection(target)) as there:
                    back = threading.Thread(target=pump, args=(there, self.request), daemon=True)
                    back.start()
                    pump(self.request, there)
                    back.join()

        super().__init__((HERE, 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


def pump(source: socket, sink: socket) -> None:
    try:
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(SHUT_WR)
    except OSError:
        """The other side is gone."""


def resolve(host: str, port: int) -> Any:
    """As a name server that knows the customer's, too."""
    return [ip_address(HERE)] if host == HOST else resolved(host, port)


class Customer(NamedTuple):
    """A bucket, as the platform reaches it and as its owner does."""

    bucket: Bucket
    store: S3Store
    forwarder: Forwarder

    def opened(self, **options: Any) -> CustomerBucket:
        """The bucket as the platform reads and writes it."""
        changes = options.pop("bucket", {})
        return CustomerBucket(self.bucket.model_copy(update=changes), OPENED, resolve, **options)

    def members(self, **members: Any) -> dict[str, Any]:
        """As a connection is made of it."""
        named = {"name": "The studio's bucket", "bucket": self.bucket.name}
        return {**self.bucket.model_dump(exclude={"name"}), **named, **members}


@pytest.fixture(scope="session")
def customer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Customer]:
    """A store of the customer's own: nobody else's credentials are known there, and its own nowhere else."""
    stack = LocalStack(home_at(tmp_path_factory.mktemp("studio")), owner=os.getpid())
    stack.start(["s3"])
    settings = store_settings(stack.env()).model_copy(update={"bucket": "studio"})
    store, target = S3Store(settings), urlsplit(settings.endpoint)
    store.ensure_bucket()
    forwarder = Forwarder((str(target.hostname), target.port or 80))
    bucket = Bucket(
        endpoint=f"http://{HOST}:{forwarder.port}",
        region=settings.region,
        name=settings.bucket,
        prefix="",
        access_key=settings.access_key.get_secret_value(),
        secret_key=settings.secret_key.get_secret_value(),
    )
    yield Customer(bucket, store, forwarder)
    forwarder.shutdown()
    forwarder.server_close()
    stack.destroy()
