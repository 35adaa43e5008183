"""Runs and releases as rows: states, legs, one check at a time, canaries, and the way back."""

from collections import Counter

import pytest
from sqlalchemy.orm import Session
from training_rows import make_run, version

from dubbing.db.models import WorkItem
from dubbing.db.training_models import ModelRelease, TrainingRun
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain import work as domain
from dubbing.domain.training import Checkpoint, LegEnd, ReleaseState, RunState
from dubbing.domain.work import Queue, TrainResult, WorkKind, WorkState, kinds_of
from dubbing.errors import Conflict, NotFound, PublishInProgress, TrainingInterrupted
from dubbing.workflow.advance import Advancer

pytestmark = pytest.mark.stack


def leased(work: UnitOfWork, run: TrainingRun) -> domain.LeasedItem:
    item = work.items.claim(kinds_of(Queue.TRAIN), "w", 60)
    assert item is not None
    assert item.payload == {"run_id": run.id}
    work.runs.started(run)
    return item


def end_leg(work: UnitOfWork, item: domain.LeasedItem, end: LegEnd) -> None:
    work.items.complete(item, TrainResult(end=end, step=3).model_dump(mode="json"))
    Advancer(work, 4).item_ended(item.id)


def kinds_of_events(work: UnitOfWork, run: TrainingRun) -> list[str]:
    return [event.type for event in work.runs.events_after(run.id, 0)]


def finished(work: UnitOfWork) -> TrainingRun:
    run = make_run(work, candidate_key="training/x/manifest.json")
    end_leg(work, leased(work, run), LegEnd.FINISHED)
    return run


def live(work: UnitOfWork, run: TrainingRun, number: int, share: float = 1.0) -> ModelRelease:
    release, _ = work.releases.publish(run, "tiny", share, 4)
    work.releases.pass_(release, version(number))
    return release


def test_a_run_goes_through_its_states_and_tells_each(work: UnitOfWork) -> None:
    run = finished(work)
    assert run.state == RunState.SUCCEEDED
    assert kinds_of_events(work, run) == ["run.queued", "run.running", "run.succeeded"]


def test_a_leg_whose_time_is_up_is_followed_by_another_that_keeps_the_run_running(work: UnitOfWork) -> None:
    run = make_run(work)
    end_leg(work, leased(work, run), LegEnd.TIME_UP)
    assert run.state == RunState.RUNNING
    assert [ring.kind for ring in work.rings] == [WorkKind.TRAIN, WorkKind.TRAIN]
    end_leg(work, leased(work, run), LegEnd.FINISHED)
    assert run.state == RunState.SUCCEEDED


def test_a_run_that_nobody_works_on_stops_at_once_and_can_be_resumed(work: UnitOfWork) -> None:
    run = make_run(work)
    work.runs.stop(run)
    assert run.state == RunState.STOPPED
    assert work.items.claim(kinds_of(Queue.TRAIN), "w", 60) is None
    work.runs.stop(run)
    work.ring(work.runs.resume(run, 4))
    assert run.state == RunState.QUEUED
    assert leased(work, run)


def test_a_run_that_is_worked_on_stops_when_its_worker_has_saved(work: UnitOfWork) -> None:
    run = make_run(work)
    item = leased(work, run)
    work.runs.stop(run)
    assert run.state == RunState.STOPPING
    end_leg(work, item, LegEnd.STOPPED)
    assert run.state == RunState.STOPPED


def test_a_run_that_stops_while_its_time_is_up_stops(work: UnitOfWork) -> None:
    run = make_run(work)
    item = leased(work, run)
    work.runs.stop(run)
    end_leg(work, item, LegEnd.TIME_UP)
    assert run.state == RunState.STOPPED


def test_what_has_ended_cannot_be_stopped_and_what_runs_cannot_be_resumed(work: UnitOfWork) -> None:
    run = finished(work)
    with pytest.raises(Conflict, match="succeeded"):
        work.runs.stop(run)
    with pytest.raises(Conflict, match="queued"):
        work.runs.resume(make_run(work), 4)


def test_a_leg_that_failed_for_good_fails_its_run_with_the_reason_and_a_retry_is_told(work: UnitOfWork) -> None:
    run = make_run(work)
    error = TrainingInterrupted("Process 1 was killed by SIGKILL.")
    item = leased(work, run)
    work.items.retry(item, error, 0)
    Advancer(work, 4).item_ended(item.id)
    assert run.state == RunState.RUNNING
    item = leased(work, run)
    work.items.fail(item, error)
    Advancer(work, 4).item_ended(item.id)
    assert run.state == RunState.FAILED
    assert run.error is not None
    assert run.error["code"] == "training_interrupted"
    assert kinds_of_events(work, run)[-2:] == ["run.interrupted", "run.failed"]


def test_a_leg_that_ended_unnoticed_is_found_by_the_sweeper(work: UnitOfWork) -> None:
    run = make_run(work)
    item = leased(work, run)
    row = work.session.get_one(WorkItem, item.id)
    row.state, row.lease_owner, row.error = WorkState.FAILED, None, TrainingInterrupted("gone").problem()
    work.session.flush()
    assert work.runs.unsettled() == [item.id]
    Advancer(work, 4).item_ended(item.id)
    assert run.state == RunState.FAILED
    assert work.runs.unsettled() == []


def test_two_checkpoints_are_kept(work: UnitOfWork) -> None:
    run = make_run(work)
    made = [Checkpoint(step=step, manifest_key=f"{step}/manifest.json") for step in (1, 2, 3)]
    assert [work.runs.keep_checkpoint(run, one) for one in made] == [[], [], [made[0]]]
    assert [one["step"] for one in run.checkpoints] == [3, 2]


def test_two_runs_that_publish_at_once_the_second_is_refused(work: UnitOfWork) -> None:
    first, second = finished(work), finished(work)
    release, _ = work.releases.publish(first, "tiny", 1.0, 4)
    with pytest.raises(PublishInProgress):
        work.releases.publish(second, "tiny", 1.0, 4)
    work.releases.reject(release, ReleaseState.REJECTED)
    assert work.releases.publish(second, "tiny", 1.0, 4)


def test_a_publish_that_failed_for_good_leaves_the_lock_to_the_next(work: UnitOfWork) -> None:
    run = finished(work)
    release, _ = work.releases.publish(run, "tiny", 1.0, 4)
    item = work.items.claim(kinds_of(Queue.PUBLISH), "w", 60)
    assert item is not None
    work.items.fail(item, TrainingInterrupted("gone"))
    Advancer(work, 4).item_ended(item.id)
    assert release.state == ReleaseState.FAILED
    assert work.releases.publish(run, "tiny", 1.0, 4)


def test_only_a_run_that_made_something_is_published_and_only_once(work: UnitOfWork) -> None:
    run = finished(work)
    run.version = 2
    with pytest.raises(Conflict, match="version 2"):
        work.releases.publish(run, "tiny", 1.0, 4)
    with pytest.raises(Conflict, match="queued"):
        work.releases.publish(make_run(work), "tiny", 1.0, 4)


def test_the_weights_that_were_there_first_are_adopted_once(work: UnitOfWork) -> None:
    assert work.releases.choose("tiny", 0) is None
    adopted = work.releases.adopt("tiny", version(1))
    assert work.releases.adopt("tiny", version(9)) is adopted
    assert work.releases.choose("tiny", 0) == version(1)


def test_a_rollback_gives_new_jobs_the_version_before_and_never_one_that_was_taken_back(work: UnitOfWork) -> None:
    run = finished(work)
    work.releases.adopt("tiny", version(1))
    live(work, run, 2)
    assert work.releases.choose("tiny", 0) == version(2)
    assert work.releases.roll_back("tiny").version == 1
    assert work.releases.choose("tiny", 0) == version(1)
    live(work, run, 3)
    assert work.releases.roll_back("tiny").version == 1
    with pytest.raises(Conflict, match="no earlier version"):
        work.releases.roll_back("tiny")


def test_a_canary_gets_its_share_of_new_jobs_until_it_is_promoted_or_taken_back(work: UnitOfWork) -> None:
    run = finished(work)
    work.releases.adopt("tiny", version(1))
    live(work, run, 2, share=0.25)
    chosen = [work.releases.choose("tiny", draw) for draw in range(0, 10_000, 100)]
    assert Counter(found.student.version for found in chosen if found) == {1: 75, 2: 25}
    assert work.releases.roll_back("tiny").version == 1
    assert work.releases.choose("tiny", 0) == version(1)
    with pytest.raises(NotFound):
        work.releases.promote("tiny")
    live(work, run, 3, share=0.5)
    assert work.releases.promote("tiny").version == 3
    assert {found.student.version for draw in (0, 9_999) if (found := work.releases.choose("tiny", draw))} == {3}
    assert work.releases.roll_back("tiny").version == 1


def test_a_release_of_no_known_share_is_refused_by_the_database(session: Session) -> None:
    names = {constraint.name for constraint in ModelRelease.__table__.constraints}  # type: ignore[attr-defined]
    assert "ck_model_releases_share" in names
    assert session.get(ModelRelease, "rel_none") is None
