"""Chunks are generated while other faces of the picture are still being encoded."""

import platform_results as results
import pytest
from platform_jobs import do, fresh, make_job

from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain import work as kinds
from dubbing.domain.jobs import JobState, Phase
from dubbing.domain.progress import percent, phase_fraction
from dubbing.domain.work import PAYLOADS, WorkKind
from dubbing.errors import ChunkFailed
from dubbing.workflow.advance import Advancer

pytestmark = pytest.mark.stack


def partly_encoded(work: UnitOfWork, *chunks: int) -> kinds.LeasedItem:
    """The faces of some chunks are encoded, and the item goes on."""
    do(work, WorkKind.PROBE, WorkKind.PREPARE, WorkKind.ENCODE_SPEECH)
    item = work.items.claim([WorkKind.ENCODE_FACE], "w", 60)
    assert item is not None
    tell(work, item, *chunks)
    return item


def tell(work: UnitOfWork, item: kinds.LeasedItem, *chunks: int) -> None:
    needing = work.jobs.lock_needing(item.id)
    work.items.save_partial_result(item, kinds.EncodeResult(frames=1, chunks=chunks).model_dump(mode="json"))
    for job_id in needing:
        Advancer(work, 8).advance(job_id)


def end(work: UnitOfWork, item: kinds.LeasedItem) -> None:
    task = PAYLOADS[item.kind].model_validate(item.payload)
    work.items.complete(item, results.answer(item.kind, task).model_dump(mode="json"))
    Advancer(work, 8).item_ended(item.id)


def test_a_chunk_is_generated_as_soon_as_its_own_latents_are_there(work: UnitOfWork) -> None:
    job = make_job(work)
    encoding = partly_encoded(work, 0, 2)
    first = work.items.claim([WorkKind.INFER], "w", 60)
    assert first is not None
    assert fresh(work, job).phase == Phase.ENCODING
    began = job.phase_times["generating"]
    end(work, first)
    counts = work.jobs.counts([job.id])[job.id]
    assert (counts[WorkKind.INFER].items, counts[WorkKind.INFER].done) == (2, 1)
    kept = counts[WorkKind.INFER].units_done
    assert phase_fraction(Phase.GENERATING, Phase.ENCODING, counts) == kept / counts[WorkKind.ENCODE_FACE].units_total
    early = percent(JobState(job.state), Phase(job.phase), counts)
    end(work, encoding)
    assert fresh(work, job).phase == Phase.GENERATING
    assert job.phase_times["generating"] == began
    counts = work.jobs.counts([job.id])[job.id]
    assert counts[WorkKind.INFER].items == 3
    assert counts[WorkKind.INFER].units_total == counts[WorkKind.ENCODE_FACE].units_total
    assert percent(JobState(job.state), Phase(job.phase), counts) > early
    assert do(work, WorkKind.INFER) == 2
    assert do(work, WorkKind.STITCH) == 1
    assert fresh(work, job).state == JobState.SUCCEEDED


def test_hearing_twice_what_is_encoded_asks_for_nothing_twice(work: UnitOfWork) -> None:
    job = make_job(work)
    encoding = partly_encoded(work, 0)
    rung = [ring for ring in work.rings if ring.kind is WorkKind.INFER]
    assert len(rung) == 1
    tell(work, encoding, 0)
    Advancer(work, 8).advance(job.id)
    assert [ring for ring in work.rings if ring.kind is WorkKind.INFER] == rung
    tell(work, encoding, 0, 1)
    assert len([ring for ring in work.rings if ring.kind is WorkKind.INFER]) == 2
    assert do(work, WorkKind.INFER) == 2


def test_chunks_wait_for_the_sound_too(work: UnitOfWork) -> None:
    make_job(work)
    do(work, WorkKind.PROBE, WorkKind.PREPARE)
    item = work.items.claim([WorkKind.ENCODE_FACE], "w", 60)
    assert item is not None
    tell(work, item, 0, 1)
    assert work.items.claim([WorkKind.INFER], "w", 60) is None
    assert do(work, WorkKind.ENCODE_SPEECH) == 1
    assert do(work, WorkKind.INFER) == 2


def test_a_second_job_gets_the_chunks_that_are_encoded_by_now_at_once(work: UnitOfWork) -> None:
    make_job(work)
    partly_encoded(work, 0, 1)
    assert do(work, WorkKind.INFER) == 2
    make_job(work, seed=2)
    do(work, WorkKind.PROBE)
    assert do(work, WorkKind.INFER) == 2


def test_a_chunk_that_fails_while_others_are_encoded_fails_the_job_at_once_for_good(work: UnitOfWork) -> None:
    job = make_job(work)
    encoding = partly_encoded(work, 0, 1)
    item = work.items.claim([WorkKind.INFER], "w", 60)
    assert item is not None
    work.items.fail(item, ChunkFailed("broken", where={"chunk": 0}))
    Advancer(work, 8).item_ended(item.id)
    assert fresh(work, job).state == JobState.FAILED
    assert work.items.claim([WorkKind.INFER], "w", 60) is None
    assert not work.items.wanted(encoding.id)
    tell(work, encoding, 0, 1, 2)
    assert work.items.claim([WorkKind.INFER], "w", 60) is None
