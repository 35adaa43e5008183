"""When jobs will be done, from what is left of each and the workers there are."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubbing.domain.schedule import JobTurn, WorkerPool, WorkLeft, in_turn, schedule
from dubbing.domain.work import Queue, WorkKind

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ONE_OF_EACH = {Queue.PREPARE: 1, Queue.INFER: 2, Queue.STITCH: 1}
KINDS = (
    *(WorkKind.PROBE, WorkKind.PREPARE, WorkKind.COMPARE, WorkKind.ENCODE_FACE),
    *(WorkKind.ENCODE_SPEECH, WorkKind.INFER, WorkKind.STITCH),
)


def turn(number: int = 0, organisation: str = "a", deadline: datetime | None = None, priority: int = 0) -> JobTurn:
    return JobTurn(organisation, deadline, priority, T0 + timedelta(seconds=number))


def end_of(job: WorkLeft, workers: Mapping[Queue, int] = ONE_OF_EACH) -> float:
    return schedule({"x": job}, workers, ["x"])["x"].end


seconds = st.dictionaries(st.sampled_from(KINDS), st.floats(0, 1000), max_size=7)
works = st.builds(
    WorkLeft,
    turn=st.builds(
        turn,
        number=st.integers(0, 50),
        organisation=st.sampled_from("abc"),
        deadline=st.sampled_from([None, None, T0, T0 + timedelta(hours=1)]),
        priority=st.integers(-2, 2),
    ),
    seconds=seconds,
    held=st.frozensets(st.sampled_from([WorkKind.PREPARE, WorkKind.ENCODE_FACE, WorkKind.STITCH]), max_size=2),
    chunk=st.floats(0, 5),
    footage=st.sampled_from(["", "film", "other"]),
    wait=st.floats(0, 100),
)
pools = st.fixed_dictionaries({queue: st.integers(1, 4) for queue in ONE_OF_EACH})


def test_with_nothing_left_nothing_takes_any_time() -> None:
    assert end_of(WorkLeft(turn(), {})) == 0.0


def test_parts_of_a_job_that_need_each_other_follow_and_others_go_side_by_side() -> None:
    job = {WorkKind.PROBE: 1.0, WorkKind.PREPARE: 10.0, WorkKind.ENCODE_SPEECH: 4.0, WorkKind.STITCH: 5.0}
    assert end_of(WorkLeft(turn(), job)) == pytest.approx(16.0)  # the sound is encoded beside the analysis
    generating = {WorkKind.ENCODE_FACE: 4.0, WorkKind.INFER: 20.0}
    assert end_of(WorkLeft(turn(), generating, chunk=1.0)) == pytest.approx(12.0)  # both workers are busy all the time
    assert end_of(WorkLeft(turn(), {WorkKind.ENCODE_FACE: 20.0, WorkKind.INFER: 4.0}, chunk=1.0)) == pytest.approx(21.0)


def test_what_is_behind_fills_gaps_and_delays_nobody() -> None:
    analysed = WorkLeft(turn(0), {WorkKind.PREPARE: 100.0, WorkKind.INFER: 10.0})
    ready = WorkLeft(turn(1), {WorkKind.INFER: 10.0, WorkKind.STITCH: 1.0})
    spans = schedule({"first": analysed, "second": ready}, ONE_OF_EACH, ["first", "second"])
    assert spans["second"].end == pytest.approx(6.0)
    assert spans["first"].end == pytest.approx(105.0)


def test_the_same_picture_is_analysed_once() -> None:
    jobs = {name: WorkLeft(turn(at), {WorkKind.PREPARE: 50.0}, footage="film") for at, name in enumerate("abc")}
    assert {span.end for span in schedule(jobs, ONE_OF_EACH, jobs).values()} == {50.0}


def test_turns_go_by_deadline_then_organisation_then_priority_then_age() -> None:
    jobs = {
        "old": turn(0),
        "older": turn(-5),
        "urgent": turn(9, priority=7),
        "due": turn(9, deadline=T0),
        "theirs": turn(20, "b"),
        "theirs too": turn(30, "b"),
    }
    found = in_turn({name: WorkLeft(one, {}) for name, one in jobs.items()})
    assert found == ["due", "urgent", "theirs", "older", "theirs too", "old"]


@given(works, seconds, pools, st.dictionaries(st.sampled_from("klmno"), works, max_size=5))
def test_less_work_of_its_own_never_makes_a_job_later(
    job: WorkLeft, less: dict[WorkKind, float], workers: dict[Queue, int], others: dict[str, WorkLeft]
) -> None:
    """What is held or probed goes before the work of others, so in a queue only the rest may get less here."""
    fixed = {WorkKind.PROBE, *job.held} if others else set()
    fewer = {kind: one if kind in fixed else min(one, less.get(kind, one)) for kind, one in job.seconds.items()}
    before, after = (
        schedule({**others, "x": job._replace(seconds=amounts, footage="")}, workers, ["x"])["x"]
        for amounts in (job.seconds, fewer)
    )
    assert 0 <= after.end <= before.end * (1 + 1e-9) + 1e-6
    assert 0 <= after.start <= after.end + 1e-9


@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0, 50), st.integers(1, 3)), max_size=12), st.integers(1, 4))
def test_a_pool_does_no_more_at_once_than_it_has_workers_and_all_that_it_takes(
    tasks: list[tuple[float, float, int]], workers: int
) -> None:
    pool = WorkerPool(workers)
    spans = [pool.take(ready, work, most) for ready, work, most in tasks]
    total = sum(work for _, work, _ in tasks)
    last = max((span.end for span in spans), default=0.0)
    assert last * workers >= total - 1e-3
    for span, (ready, work, most) in zip(spans, tasks, strict=True):
        assert span.start >= ready
        assert (span.end - span.start) * min(most, workers) >= work - 1e-3
