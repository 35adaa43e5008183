"""What is left of a job, from its size and what is done of it; and what work takes where other work was measured."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubbing.domain.jobs import Phase
from dubbing.domain.paces import MeasuredPace, PaceKey, Paces, foreseen, key_of, settled
from dubbing.domain.progress import KindCount
from dubbing.domain.remaining import DubSize, left_by_counts, left_by_phase, whole
from dubbing.domain.work import WorkKind

NEW = Paces({})
SIZE = DubSize("tiny", frames=1000, megapixels=2.0, megabytes=20.0, generated=1000)
ALL = whole(NEW, SIZE)
ONE_ITEM = (WorkKind.PREPARE, WorkKind.ENCODE_SPEECH, WorkKind.ENCODE_FACE, WorkKind.STITCH)


def left(phase: Phase, **counts: KindCount) -> dict[WorkKind, float]:
    return left_by_counts(ALL, phase, {WorkKind(kind): count for kind, count in counts.items()}, {}).seconds


def test_a_job_that_analyses_costs_no_models_and_a_known_picture_is_not_analysed_again() -> None:
    assert set(whole(NEW, SIZE._replace(preset=None)).seconds) == {WorkKind.PROBE, WorkKind.PREPARE}
    assert whole(NEW, SIZE._replace(preset=None)).gpu_seconds == 0.0
    known = whole(NEW, SIZE, {WorkKind.PREPARE, WorkKind.ENCODE_FACE})
    assert set(ALL.seconds) - set(known.seconds) == {WorkKind.PREPARE, WorkKind.ENCODE_FACE}


def test_what_others_have_done_or_begun_is_not_left() -> None:
    found = left_by_counts(ALL, Phase.PROBING, {}, {WorkKind.PREPARE: KindCount(items=1, done=1)}).seconds
    assert found[WorkKind.PREPARE] == 0.0
    assert found[WorkKind.STITCH] == ALL.seconds[WorkKind.STITCH]


def test_chunks_that_were_not_asked_for_yet_are_left_too() -> None:
    faces = KindCount(items=1, leased=1, units_done=500, units_total=1000)
    early = left(Phase.ENCODING, encode_face=faces, infer=KindCount(items=3, done=3, units_done=300, units_total=300))
    assert early[WorkKind.INFER] == pytest.approx(0.7 * ALL.seconds[WorkKind.INFER])
    all_done = KindCount(items=10, done=10, units_done=1000, units_total=1000)
    assert left(Phase.GENERATING, infer=all_done)[WorkKind.INFER] == 0.0


def test_after_the_last_frame_is_painted_the_master_is_still_to_be_proved() -> None:
    painted = KindCount(items=1, leased=1, units_done=1000, units_total=1000)
    assert left(Phase.STITCHING, stitch=painted)[WorkKind.STITCH] > left(Phase.VERIFYING, stitch=painted)[WorkKind.STITCH] > 0


def test_an_item_that_is_slow_is_expected_to_stay_slow() -> None:
    slow = KindCount(items=1, leased=1, units_done=500, units_total=1000, held_seconds=100.0)
    quick = slow.model_copy(update={"held_seconds": 2.0})
    assert left(Phase.ANALYZING, prepare=slow)[WorkKind.PREPARE] > 2 * left(Phase.ANALYZING, prepare=quick)[WorkKind.PREPARE]


@given(
    st.sampled_from(ONE_ITEM),
    st.sampled_from(list(Phase)),
    *[st.integers(0, 1000)] * 2,
    st.floats(0, 1e4),
)
def test_what_is_left_never_grows_with_what_is_done_and_is_never_negative(
    kind: WorkKind, phase: Phase, one: int, two: int, held: float
) -> None:
    seen = []
    for done in sorted((one, two)):
        count = KindCount(items=1, leased=1, units_done=done, units_total=1000, held_seconds=held)
        seen.append(left(phase, **{kind: count})[kind])
    seen.append(left(phase, **{kind: KindCount(items=1, done=1, units_done=1000, units_total=1000)})[kind])
    assert seen[0] + 1e-9 >= seen[1] + 1e-9 >= seen[2] == 0.0


def test_of_a_job_that_is_not_looked_into_its_phase_tells_what_is_left() -> None:
    found = left_by_phase(ALL, Phase.VERIFYING, running=True).seconds
    assert found[WorkKind.STITCH] == ALL.seconds[WorkKind.STITCH] / 2
    assert {kind for kind, seconds in found.items() if seconds} == {WorkKind.STITCH}
    assert left_by_phase(ALL, Phase.PROBING, running=False).seconds == ALL.seconds


def test_one_odd_measurement_changes_nothing_and_newer_ones_count_more() -> None:
    assert settled([50.0, 1.0, 1.0, 1.0, 1.0]) == 1.0
    assert settled([3.0, 3.0, 3.0, *[1.0] * 12]) == 3.0
    assert settled([3.0, *[1.0] * 12]) == 1.0


def test_the_length_of_a_film_that_nobody_has_read_is_guessed_by_its_sound_and_else_by_its_picture() -> None:
    learned = Paces({PaceKey("length", "sound"): MeasuredPace(quiet=0.5)})
    assert (NEW.frames_of(10**9, 96_000 * 10), learned.frames_of(10**9, 96_000 * 10)) == (250, 125)
    assert learned.frames_of(10_000 * 250, 0) == 250
    assert NEW.frames_of(0, 0) == 1


def test_a_size_that_was_never_measured_goes_at_the_pace_of_the_nearest_one() -> None:
    measured = Paces(
        {PaceKey("stitch", "", 0): MeasuredPace(quiet=2.0), PaceKey("stitch", "", 3): MeasuredPace(quiet=4.0, crowded=9.0)}
    )
    for megapixels, pace in ((1.0, 2.0), (2.0, 2.0), (8.3, 4.0)):
        here = measured.seconds(WorkKind.STITCH, "tiny", 100, megapixels)
        assert here == pytest.approx(pace * foreseen(WorkKind.STITCH, "tiny", 100, megapixels))
    crowded = measured._replace(crowded=True)
    assert crowded.seconds(WorkKind.STITCH, "", 100, 8.3) == pytest.approx(9.0 * foreseen(WorkKind.STITCH, "", 100, 8.3))
    unknown = crowded.seconds(WorkKind.STITCH, "", 100, 1.0)  # until it is measured: as on the two cores that we know
    assert unknown == 2 * measured.seconds(WorkKind.STITCH, "", 100, 1.0)
    assert measured.seconds(WorkKind.INFER, "tiny", 100, 1.0) == foreseen(WorkKind.INFER, "tiny", 100, 1.0)
    assert key_of(WorkKind.INFER, "14b", 8.3) == PaceKey("infer", "14b", 0)
