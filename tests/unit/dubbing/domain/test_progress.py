"""How far, how fast, how long."""

from datetime import UTC, datetime, timedelta

import pytest

from dubbing.domain import progress
from dubbing.domain.jobs import JobState, Phase
from dubbing.domain.progress import KindCount
from dubbing.domain.work import WorkKind

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def test_percent_grows_with_every_finished_chunk_and_reaches_100_only_at_success() -> None:
    seen = []
    for done in range(11):
        counts = {WorkKind.INFER: KindCount(items=10, done=done, units_done=done * 25, units_total=250)}
        seen.append(progress.percent(JobState.RUNNING, Phase.GENERATING, counts))
    assert seen == sorted(set(seen))
    assert seen[0] == 35.0
    assert progress.percent(JobState.RUNNING, Phase.VERIFYING, {WorkKind.STITCH: KindCount(items=1, done=1)}) < 100
    assert progress.percent(JobState.SUCCEEDED, Phase.VERIFYING, {}) == 100


def test_what_is_generated_during_encoding_counts_as_a_share_of_all_that_will_be() -> None:
    faces = KindCount(items=1, leased=1, units_done=500, units_total=1000)
    counts = {WorkKind.ENCODE_FACE: faces, WorkKind.INFER: KindCount(items=4, done=1, units_done=250, units_total=400)}
    assert progress.phase_fraction(Phase.GENERATING, Phase.ENCODING, counts) == 0.25
    assert progress.phase_fraction(Phase.STITCHING, Phase.ENCODING, counts) == 0.0
    assert progress.phase_fraction(Phase.GENERATING, Phase.ANALYZING, counts) == 0.0


def test_no_shot_is_done_before_all_of_its_chunks_can_be_known() -> None:
    counts = {WorkKind.PREPARE: KindCount(shots=5), WorkKind.INFER: KindCount(items=2, done=2, shots_open=0)}
    assert progress.shots(Phase.ENCODING, counts) == (0, 5)
    assert progress.shots(Phase.GENERATING, counts) == (5, 5)


def test_one_long_item_moves_by_its_frames() -> None:
    half = {WorkKind.PREPARE: KindCount(items=1, leased=1, units_done=500, units_total=1000)}
    assert progress.phase_fraction(Phase.ANALYZING, Phase.ANALYZING, half) == 0.5


def test_a_phase_is_not_done_while_an_item_of_it_is_open() -> None:
    count = KindCount(items=2, done=1, leased=1, units_done=100, units_total=100)
    assert count.fraction < 1


def test_speed_counts_generated_frames() -> None:
    counts = {WorkKind.INFER: KindCount(items=2, done=1, units_done=50, units_total=100)}
    assert progress.generation_fps(counts, T0, T0 + timedelta(seconds=2)) == 25.0
    assert progress.generation_fps({}, T0, T0) is None


@pytest.mark.parametrize(
    ("count", "reason"),
    [
        (KindCount(items=2, leased=1), None),
        (KindCount(items=2, done=1, retrying=1), "retry"),
        (KindCount(items=2, done=1), "workers:infer"),
        (KindCount(items=2, done=2), None),
    ],
)
def test_what_a_job_waits_on_is_said(count: KindCount, reason: str | None) -> None:
    assert progress.waiting_on(Phase.GENERATING, {WorkKind.INFER: count}) == reason
