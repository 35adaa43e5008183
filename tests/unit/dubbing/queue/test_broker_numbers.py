"""The numbers that keep a long task from running twice."""

import pytest

from dubbing.domain.work import QUEUE_OF, Queue, WorkKind, kinds_of
from dubbing.queue.app import make_celery
from dubbing.settings import QueueSettings, RedisSettings

SETTINGS = QueueSettings()


@pytest.mark.parametrize("queue", list(Queue))
def test_soft_limit_comes_before_hard_before_lease_before_redelivery(queue: Queue) -> None:
    limits = SETTINGS.limits[queue]
    assert 0 < limits.soft < limits.hard < limits.lease < SETTINGS.visibility_timeout


def test_a_holder_shows_life_several_times_before_it_is_given_up() -> None:
    assert SETTINGS.heartbeat * 3 < SETTINGS.heartbeat_timeout
    assert SETTINGS.sweep < SETTINGS.heartbeat_timeout


def test_retries_outlast_a_restart_of_the_inference_server() -> None:
    waits = [min(SETTINGS.backoff * 2**n, SETTINGS.backoff_max) for n in range(SETTINGS.max_attempts - 1)]
    assert sum(waits) > 120


def test_messages_are_acknowledged_late_one_at_a_time_and_leave_no_results() -> None:
    conf = make_celery(RedisSettings(), SETTINGS).conf
    assert conf.task_acks_late is True
    assert conf.task_reject_on_worker_lost is True
    assert conf.worker_prefetch_multiplier == 1
    assert conf.result_backend is None
    assert conf.task_ignore_result is True
    assert conf.broker_transport_options["visibility_timeout"] == SETTINGS.visibility_timeout


def test_every_kind_of_work_has_one_queue() -> None:
    assert set(QUEUE_OF) == set(WorkKind)
    assert sorted(kind for queue in Queue for kind in kinds_of(queue)) == sorted(WorkKind)
