"""A message whose acknowledgement the broker did not hear: the worker lets go of it."""

from kombu.transport.redis import Channel, QoS


class ForgettingQoS(QoS):
    """Counts a message as acknowledged even where telling the broker fails.

    A worker takes no more messages than its processes can work on, and kombu counts one whose acknowledgement failed as worked
    on for ever. A broker that was away for a second as the last process ended its work was thus the worker's end: it asked for
    no message any more, and so did not notice either that its connection was dead. The broker keeps such a message, and rings
    again when its visibility timeout is over: a token too many, which finds nothing to do.
    """

    def ack(self, delivery_tag: str) -> None:
        """Tells the broker; whatever comes of it, the message is no longer in hand."""
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]
        finally:
            self._quick_ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """The same for a message that is refused."""
        try:
            super().reject(delivery_tag, requeue)  # type: ignore[no-untyped-call]
        finally:
            self._quick_ack(delivery_tag)


def let_go_of_messages() -> None:
    """Makes all channels to Redis of this process do so."""
    Channel.QoS = ForgettingQoS
