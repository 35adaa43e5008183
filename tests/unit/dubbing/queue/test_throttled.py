"""What beat sent while nobody listened is one round."""

import pytest

from dubbing.queue.tasks import Throttled


def test_messages_that_come_at_once_are_one_round() -> None:
    rounds: list[int] = []
    throttled = Throttled(lambda: rounds.append(1), 3600.0)
    for _ in range(1000):
        throttled()
    assert rounds == [1]


def test_after_its_pause_there_is_another_round_also_after_one_that_failed() -> None:
    rounds: list[int] = []

    def fail() -> None:
        rounds.append(1)
        raise ValueError("no server")

    throttled = Throttled(fail, 3600.0)
    with pytest.raises(ValueError, match="no server"):
        throttled()
    throttled()  # too soon, and so no round
    assert throttled._ended is not None
    throttled._ended -= 3601.0
    with pytest.raises(ValueError, match="no server"):
        throttled()
    assert len(rounds) == 2
