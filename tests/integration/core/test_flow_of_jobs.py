"""From the first probe to the receipt: what comes next, won by exactly one, whatever happens in between."""

import threading
from typing import Any

import platform_results as results
import pytest
from platform_jobs import do, fresh, make_job
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from dubbing.db.models import Asset, Job, WorkItem
from dubbing.db.unit_of_work import UnitOfWork, unit_of_work
from dubbing.domain import work as kinds
from dubbing.domain.findings import Finding
from dubbing.domain.jobs import JobState, Phase
from dubbing.domain.media import READING, SyncMode
from dubbing.domain.progress import percent
from dubbing.domain.work import PAYLOADS, ProbeTask, Ring, WorkKind
from dubbing.errors import ChunkFailed
from dubbing.workflow.advance import Advancer

pytestmark = pytest.mark.stack
OTHERS = (WorkKind.TRAIN, WorkKind.PUBLISH, WorkKind.DELIVER, WorkKind.DELIVER_MASTER, WorkKind.COMPARE)


def test_a_job_runs_through_all_phases_to_its_receipt(work: UnitOfWork) -> None:
    job = make_job(work)
    seen = []
    for kind in (kind for kind in WorkKind if kind not in OTHERS):
        seen.append(fresh(work, job).phase)
        assert do(work, kind) == {"probe": 2, "infer": 3}.get(kind, 1)
    assert seen == ["probing", "analyzing", "encoding", "encoding", "generating", "stitching"]
    assert fresh(work, job).state == JobState.SUCCEEDED
    assert job.output is not None
    assert job.output["receipt"]["input_video"]["fps"] == "25"
    types = [event.type for event in work.jobs.events_after(job.id, 0)]
    assert types[:2] == ["job.queued", "job.running"]
    assert types.count("job.phase") == 4
    assert types[-1] == "job.succeeded"
    assert percent(JobState(job.state), Phase(job.phase), work.jobs.counts([job.id])[job.id]) == 100


def test_warnings_of_the_stitcher_are_the_jobs_warnings(work: UnitOfWork) -> None:
    job = make_job(work)

    def answer(kind: str, task: Any) -> Any:
        finding = Finding(code="face_lost", detail="no face")
        return results.stitch(task, (finding,)) if kind == "stitch" else results.answer(kind, task)

    do(work, *WorkKind, answer=answer)
    assert fresh(work, job).state == JobState.SUCCEEDED_WITH_WARNINGS
    assert job.warnings[0]["code"] == "face_lost"


def test_a_second_language_reuses_everything_that_depends_on_the_footage(work: UnitOfWork) -> None:
    first = make_job(work)
    do(work, *WorkKind)
    video = work.session.get(Asset, first.video_asset)
    other = Asset(id="ast_es", organisation_id="default", object_key="assets/es", filename="es.wav", size=10)
    second = make_job(work, video=video, audio=other)

    def answer(kind: str, task: Any) -> Any:
        found = results.answer(kind, task)
        return found.model_copy(update={"sha256": "3" * 64}) if kind == "probe" else found

    done = []
    while item := work.items.claim(list(WorkKind), "w", 60):
        done.append(item.kind)
        work.items.complete(item, answer(item.kind, PAYLOADS[item.kind].model_validate(item.payload)).model_dump(mode="json"))
        Advancer(work, 8).item_ended(item.id)
    assert done == ["probe", "encode_speech", "infer", "infer", "infer", "stitch"]
    assert fresh(work, second).state == JobState.SUCCEEDED


def test_the_same_content_under_another_name_is_analysed_once(work: UnitOfWork) -> None:
    make_job(work)
    make_job(work)
    assert do(work, WorkKind.PROBE) == 4
    assert do(work, WorkKind.PREPARE) == 1
    assert do(work, WorkKind.INFER) == 0
    assert do(work, WorkKind.ENCODE_FACE, WorkKind.ENCODE_SPEECH) == 2
    assert do(work, WorkKind.INFER) == 3


def test_the_sound_is_encoded_while_the_picture_is_analysed(work: UnitOfWork) -> None:
    make_job(work)
    do(work, WorkKind.PROBE)
    assert do(work, WorkKind.ENCODE_SPEECH) == 1
    assert do(work, WorkKind.ENCODE_FACE) == 0
    assert do(work, WorkKind.PREPARE) == 1
    assert do(work, WorkKind.ENCODE_FACE) == 1
    assert do(work, WorkKind.INFER) == 3


def test_a_track_that_is_too_long_fails_the_job_with_the_difference(work: UnitOfWork) -> None:
    job = make_job(work)

    def answer(_: str, task: Any) -> Any:
        found = results.probe(task)
        return found if task.role == "video" else found.model_copy(update={"media": results.sound(480_000 + 13_440)})

    do(work, WorkKind.PROBE, answer=answer)
    assert fresh(work, job).state == JobState.FAILED
    assert job.error is not None
    assert job.error["code"] == "duration_mismatch"
    assert job.error["media"]["delta_frames"] == 7
    assert job.error["media"]["delta_ms"] == 280


def test_cut_off_tells_the_stitcher_what_of_the_track_is_used(work: UnitOfWork) -> None:
    make_job(work, sync={"mode": SyncMode.CUT_OFF, "tolerance_frames": 0})

    def answer(kind: str, task: Any) -> Any:
        if kind == "probe" and task.role == "audio":
            return kinds.ProbeResult(sha256="2" * 64, media=results.sound(480_000 * 2))
        return results.answer(kind, task)

    do(work, *(kind for kind in WorkKind if kind != "stitch"), answer=answer)
    item = work.items.claim([WorkKind.STITCH], "w", 60)
    assert item is not None
    assert item.payload["plan"]["keep"] == 480_000
    assert item.payload["plan"]["pad"] == 0


def test_one_failed_chunk_fails_the_job_and_stops_the_others(work: UnitOfWork) -> None:
    job = make_job(work)
    do(work, *(kind for kind in WorkKind if kind not in {WorkKind.INFER, WorkKind.STITCH}))
    item = work.items.claim([WorkKind.INFER], "w", 60)
    assert item is not None
    work.items.fail(item, ChunkFailed("broken", where={"chunk": 0}))
    Advancer(work, 8).item_ended(item.id)
    assert fresh(work, job).state == JobState.FAILED
    assert job.error is not None
    assert job.error["where"] == {"chunk": 0}
    assert work.items.claim([WorkKind.INFER], "w", 60) is None


def test_a_new_job_tries_shared_work_again_that_failed_for_another(work: UnitOfWork) -> None:
    make_job(work)
    do(work, WorkKind.PROBE)
    item = work.items.claim([WorkKind.PREPARE], "w", 60)
    assert item is not None
    work.items.fail(item, ChunkFailed("disk full"))
    Advancer(work, 8).item_ended(item.id)
    second = make_job(work)
    do(work, *WorkKind)
    assert fresh(work, second).state == JobState.SUCCEEDED


def test_cancelling_waits_for_what_runs_and_spares_what_others_need(work: UnitOfWork) -> None:
    job, other = make_job(work), make_job(work, seed=2)
    do(work, WorkKind.PROBE, WorkKind.PREPARE, WorkKind.ENCODE_FACE, WorkKind.ENCODE_SPEECH)
    running = work.items.claim([WorkKind.INFER], "w", 60)
    assert running is not None
    assert running.payload["job_id"] == job.id
    assert work.items.wanted(running.id)
    work.jobs.request_cancel(fresh(work, job))
    Advancer(work, 8).advance(job.id)
    assert fresh(work, job).state == JobState.CANCELING
    assert not work.items.wanted(running.id)
    work.items.give_up(running)
    Advancer(work, 8).item_ended(running.id)
    assert fresh(work, job).state == JobState.CANCELED
    do(work, *WorkKind)
    assert fresh(work, other).state == JobState.SUCCEEDED


def test_work_given_up_goes_on_when_a_new_job_wants_it(work: UnitOfWork) -> None:
    job = make_job(work)
    do(work, WorkKind.PROBE)
    item = work.items.claim([WorkKind.PREPARE], "w", 60)
    assert item is not None
    work.jobs.request_cancel(fresh(work, job))
    second = make_job(work)
    do(work, WorkKind.PROBE)
    work.items.give_up(item)
    Advancer(work, 8).item_ended(item.id)
    assert fresh(work, job).state == JobState.CANCELED
    do(work, *WorkKind)
    assert fresh(work, second).state == JobState.SUCCEEDED


def test_the_last_of_many_chunks_wins_the_fan_in_exactly_once(sessions: sessionmaker[Session]) -> None:
    rings: list[Ring] = []
    chunks = tuple(results.CHUNKS[0].model_copy(update={"index": n}) for n in range(32))

    def answer(kind: str, task: Any) -> Any:
        found = results.answer(kind, task)
        return found.model_copy(update={"chunks": chunks}) if kind == "prepare" else found

    with sessions.begin() as session:
        job_id = make_job(UnitOfWork(session)).id
        do(UnitOfWork(session), *(kind for kind in WorkKind if kind not in {"infer", "stitch"}), answer=answer)
    start = threading.Barrier(8)

    def worker(name: str) -> None:
        start.wait()
        while True:
            with unit_of_work(sessions, rings.extend) as work:
                item = work.items.claim([WorkKind.INFER], name, 60)
            if item is None:
                return
            with unit_of_work(sessions, rings.extend) as work:
                work.jobs.lock_needing(item.id)
                work.items.complete(item, {})
                Advancer(work, 8).item_ended(item.id)

    threads = [threading.Thread(target=worker, args=(f"w{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with sessions() as session:
        count = session.scalar(select(func.count()).where(WorkItem.kind == "stitch", WorkItem.job_id == job_id))
        phases = [
            event.data["phase"] for event in UnitOfWork(session).jobs.events_after(job_id, 0) if event.type == "job.phase"
        ]
    assert count == 1
    assert phases.count("stitching") == 1
    assert [ring.kind for ring in rings] == ["stitch"]


def test_advancing_again_changes_nothing(work: UnitOfWork) -> None:
    job = make_job(work)
    do(work, WorkKind.PROBE)
    before = work.session.scalar(select(func.count()).select_from(WorkItem))
    for _ in range(3):
        Advancer(work, 8).advance(job.id)
    assert work.session.scalar(select(func.count()).select_from(WorkItem)) == before


def test_doorbells_ring_after_commit_and_never_after_a_rollback(sessions: sessionmaker[Session]) -> None:
    heard: list[tuple[str, bool]] = []

    def bell(rings: Any) -> None:
        with sessions() as session:  # another connection: sees committed rows only
            heard.extend((ring.kind, session.get(WorkItem, ring.item_id) is not None) for ring in rings)

    with unit_of_work(sessions, bell) as work:
        make_job(work)
        assert heard == []
    assert heard == [("probe", True), ("probe", True)]

    def broken() -> None:
        with unit_of_work(sessions, bell) as work:
            make_job(work)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert len(heard) == 2


def old_facts(work: UnitOfWork, job: Job) -> None:
    """The job's probes as an installation of before left them: other keys, no version in what they found."""
    for item in work.items.results(job.id, [WorkKind.PROBE]):
        task = ProbeTask.model_validate(item.payload)
        found = results.probe(task).model_dump(mode="json")
        found["media"] = {
            name: value for name, value in found["media"].items() if name in {"container", "size_bytes", "video", "audio"}
        }
        item.key = f"probe:{task.asset_id}:{task.role}"
        item.payload = {name: value for name, value in item.payload.items() if name not in {"picture", "sound"}}
        item.state, item.result = "done", found
        asset = work.assets.by_ids([task.asset_id])[task.asset_id]
        asset.sha256, asset.media = found["sha256"], found["media"]
    work.session.flush()


def test_a_job_that_was_probed_before_an_upgrade_has_its_files_read_anew(work: UnitOfWork) -> None:
    job = make_job(work)
    old_facts(work, job)
    Advancer(work, 8).advance(job.id)
    assert fresh(work, job).phase == Phase.PROBING
    keys = {item.key for item in work.items.results(job.id, [WorkKind.PROBE]) if item.state == "pending"}
    assert keys == {
        f"probe:{READING}:{asset}:{role}" for asset, role in ((job.video_asset, "video"), (job.audio_asset, "audio"))
    }
    do(work, WorkKind.PROBE)
    assert fresh(work, job).phase == Phase.ANALYZING
    asset = work.assets.by_ids([job.video_asset])[job.video_asset]
    work.session.refresh(asset)
    assert asset.media["reading"] == READING
    do(work, *WorkKind)
    assert fresh(work, job).state == JobState.SUCCEEDED


def test_a_new_job_does_not_believe_what_was_read_of_its_files_before(work: UnitOfWork) -> None:
    first = make_job(work)
    old_facts(work, first)
    assets = work.assets.by_ids([first.video_asset, first.audio_asset])
    second = make_job(work, video=assets[first.video_asset], audio=assets[first.audio_asset])
    assert {item.state for item in work.items.results(second.id, [WorkKind.PROBE])} == {"pending"}
    do(work, WorkKind.PROBE)
    (prepare,) = work.items.results(second.id, [WorkKind.PREPARE])
    (speech,) = work.items.results(second.id, [WorkKind.ENCODE_SPEECH])
    assert READING in prepare.key
    assert READING in speech.key


def test_what_is_chosen_of_a_file_is_probed_apart_and_used(work: UnitOfWork) -> None:
    plain = make_job(work)
    assets = work.assets.by_ids([plain.video_asset, plain.audio_asset])
    chosen = {"chosen": {"picture": 2, "sound": {"tracks": [1, 3], "channels": [2]}}}
    job = make_job(work, video=assets[plain.video_asset], audio=assets[plain.audio_asset], options=chosen)
    keys = {item.key.split(":", 3)[3] for item in work.items.results(job.id, [WorkKind.PROBE])}
    assert keys == {"video:p2", "audio:t1.3-c2"}
