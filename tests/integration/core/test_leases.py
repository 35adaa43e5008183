"""Work items: nobody gets the same one twice, and a stale holder cannot write."""

import threading
from datetime import timedelta

import pytest
from platform_jobs import make_job
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker
from waiting import until

from dubbing import clock
from dubbing.db.models import WorkItem
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.work import WorkKind, WorkState
from dubbing.errors import LeaseLost

pytestmark = pytest.mark.stack
PROBE = [WorkKind.PROBE]


def test_eight_claimers_share_forty_items_without_overlap(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        for _ in range(20):
            make_job(UnitOfWork(session))
    claimed: list[str] = []
    start = threading.Barrier(8)

    def claim(owner: str) -> None:
        start.wait()
        while True:
            with sessions.begin() as session:
                item = UnitOfWork(session).items.claim(PROBE, owner, 60)
            if item is None:
                return
            claimed.append(item.id)

    threads = [threading.Thread(target=claim, args=(f"w{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == 40
    assert len(set(claimed)) == 40


def test_an_item_is_taken_over_when_its_holder_falls_silent(work: UnitOfWork) -> None:
    make_job(work)
    first = work.items.claim(PROBE, "a", 3600)
    assert first is not None
    assert work.items.expired(heartbeat_timeout=20) == []
    silent = clock.now() - timedelta(seconds=30)
    work.session.execute(update(WorkItem).where(WorkItem.id == first.id).values(heartbeat_at=silent))
    assert work.items.expired(heartbeat_timeout=20) == [(first.id, WorkKind.PROBE, WorkState.PENDING)]
    second = work.items.claim(PROBE, "b", 3600)
    assert second is not None
    assert (second.id, second.attempt) == (first.id, first.attempt + 1)
    assert work.items.leases_lost()["probe"] == 1


def test_a_holder_that_stands_still_in_a_transaction_loses_its_item_too(sessions: sessionmaker[Session]) -> None:
    """Its locks go with its session, which the server ends: soon here, and in time wherever nothing is set."""
    with sessions.begin() as session:
        make_job(UnitOfWork(session))
        item = UnitOfWork(session).items.claim(PROBE, "a", 3600)
        assert item is not None
        asked = text("SELECT setting::int FROM pg_settings WHERE name = :name")
        names = ("idle_in_transaction_session_timeout", "lock_timeout")
        idle, locked = (session.scalar(asked, {"name": name}) for name in names)
    assert 0 < idle < locked

    def taken_back() -> list[str]:
        with sessions.begin() as session:
            return [found[0] for found in UnitOfWork(session).items.expired(heartbeat_timeout=0)]

    with sessions() as holder:
        holder.execute(text("SET idle_in_transaction_session_timeout = 500"))
        UnitOfWork(holder).items.renew(item)
        assert until(taken_back, "the item is never taken back") == [item.id]
        with pytest.raises(OperationalError):
            UnitOfWork(holder).items.renew(item)


def test_a_beating_heart_does_not_save_an_item_past_its_lease(work: UnitOfWork) -> None:
    make_job(work)
    item = work.items.claim(PROBE, "a", 0)
    assert item is not None
    work.items.renew(item)
    assert [found[0] for found in work.items.expired(heartbeat_timeout=20)] == [item.id]


def test_an_item_that_kills_every_worker_fails_in_the_end(work: UnitOfWork) -> None:
    make_job(work)
    item = work.items.claim(PROBE, "a", 0)
    assert item is not None
    work.session.execute(update(WorkItem).where(WorkItem.id == item.id).values(attempt=item.max_attempts))
    assert [found[2] for found in work.items.expired(heartbeat_timeout=20)] == [WorkState.FAILED]


@pytest.mark.parametrize("write", ["complete", "renew", "progress", "fail", "retry"])
def test_a_stale_owner_cannot_write(work: UnitOfWork, write: str) -> None:
    make_job(work)
    stale = work.items.claim(PROBE, "same-name", 0)
    assert stale is not None
    work.items.expired(heartbeat_timeout=20)
    fresh = work.items.claim(PROBE, "same-name", 60)
    assert fresh is not None
    assert fresh.id == stale.id
    error = LeaseLost("x")
    writes = {
        "complete": lambda: work.items.complete(stale, {}),
        "renew": lambda: work.items.renew(stale),
        "progress": lambda: work.items.progress(stale, 1, 2),
        "fail": lambda: work.items.fail(stale, error),
        "retry": lambda: work.items.retry(stale, error, 0),
    }
    with pytest.raises(LeaseLost):
        writes[write]()
    work.items.complete(fresh, {})


def test_an_item_that_waits_for_its_retry_is_not_claimed(work: UnitOfWork) -> None:
    make_job(work)
    item = work.items.claim(PROBE, "a", 60)
    assert item is not None
    work.items.retry(item, LeaseLost("again"), 3600)
    other = work.items.claim(PROBE, "a", 60)
    assert other is not None
    assert other.id != item.id
    assert work.items.claim(PROBE, "a", 60) is None


def test_claims_go_by_deadline_then_fair_share_then_priority_then_age(work: UnitOfWork) -> None:
    soon, later = clock.now() + timedelta(hours=1), clock.now() + timedelta(hours=2)
    jobs = {
        "big old": make_job(work, organisation_id="big"),
        "big urgent": make_job(work, organisation_id="big", priority=9),
        "small": make_job(work, organisation_id="small"),
        "due later": make_job(work, organisation_id="big", deadline=later),
        "due soon": make_job(work, organisation_id="big", deadline=soon),
    }
    names = {job.id: name for name, job in jobs.items()}
    order = []
    while item := work.items.claim(PROBE, "w", 60):
        (job_id,) = work.jobs.lock_needing(item.id)
        order.append(names[job_id])
    assert order == [
        *("due soon", "due soon", "due later", "due later"),
        *("small", "small"),
        *("big urgent", "big urgent", "big old", "big old"),
    ]


def test_claiming_uses_the_index_of_waiting_items(work: UnitOfWork) -> None:
    make_job(work)
    work.session.execute(text("SET LOCAL enable_seqscan = off"))
    plan = work.session.execute(
        text("EXPLAIN SELECT id FROM work_items WHERE state = 'pending' AND kind IN ('infer') FOR UPDATE SKIP LOCKED")
    ).scalars()
    assert any("ix_work_items_waiting" in line for line in plan)
