"""A broker that is away for a moment, as a worker has done its work: the worker goes on taking messages."""

import os
from pathlib import Path

import pytest
from kombu import Connection, Consumer, Producer, Queue
from kombu.message import Message

from dubbing.queue.app import make_celery
from dubbing.settings import QueueSettings, RedisSettings
from services.stack.home import home_at
from services.stack.local import LocalStack

pytestmark = pytest.mark.stack
QUEUE = Queue("acknowledged")


def one_in_hand(connection: Connection) -> Message:
    """The first of two messages, taken by a consumer that takes one at a time."""
    producer = Producer(connection.channel())
    for number in range(2):
        producer.publish(number, routing_key=QUEUE.name, declare=[QUEUE])
    taken: list[Message] = []
    consumer = Consumer(connection.default_channel, [QUEUE], on_message=taken.append, prefetch_count=1)
    consumer.consume()
    connection.drain_events(timeout=10)
    assert [message.payload for message in taken] == [0]
    return taken[0]


@pytest.mark.parametrize("how", ["ack", "reject"])
def test_what_the_broker_did_not_hear_is_no_longer_in_hand(how: str, tmp_path: Path) -> None:
    stack = LocalStack(home_at(tmp_path / "broker"), owner=os.getpid())
    try:
        stack.start(["redis"])
        app = make_celery(RedisSettings(url=stack.env()["DUBLINE_REDIS_URL"]), QueueSettings())
        with app.connection_for_read() as connection:
            message = one_in_hand(connection)
            with pytest.raises(TimeoutError):
                connection.drain_events(timeout=0.5)  # it takes one at a time
            stack.stop()
            with pytest.raises(connection.connection_errors):
                getattr(message, how)()
            stack.start(["redis"])
            # It asks for the next, and so notices that its connection is dead: the worker then makes another.
            with pytest.raises(connection.connection_errors):
                connection.drain_events(timeout=10)
    finally:
        stack.destroy()
