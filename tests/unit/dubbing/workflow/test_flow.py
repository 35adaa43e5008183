"""Which items a job's facts and results lead to, phase by phase, and what each of them can share with other jobs."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import platform_results as results
import pytest

from dubbing.domain.findings import Finding, FindingCode, FrameRange
from dubbing.domain.frozen import Frozen
from dubbing.domain.jobs import ModelPin, Models, Phase, Sync
from dubbing.domain.media import READING, MediaInfo, SoundChoice, SyncMode
from dubbing.domain.work import (
    ANALYSIS,
    MASKING,
    SPEECH,
    CompareResult,
    EncodeFaceTask,
    EncodeSpeechTask,
    InferTask,
    ItemSpec,
    PrepareResult,
    PrepareTask,
    ProbeTask,
    Source,
    StitchTask,
    WorkKind,
)
from dubbing.errors import DublineError, DurationMismatch, NotAudio, NoVideoStream
from dubbing.workflow import flow

VIDEO, AUDIO = "1" * 64, "2" * 64
FACE, SPEAKING, STUDENT = (ModelPin(name=name, digest=digest * 64) for name, digest in (("f", "a"), ("s", "b"), ("l", "c")))
MODELS = Models(preset="tiny", demo=True, student=STUDENT, face_encoder=FACE, speech_encoder=SPEAKING)
JOB = flow.JobFacts(
    job_id="job_1",
    video=Source(asset_id="ast_1", key="assets/film", filename="film.mp4", sha256=VIDEO, media=results.VIDEO),
    audio=Source(asset_id="ast_2", key="assets/pt", filename="pt.wav", sha256=AUDIO, media=results.sound()),
    sync=Sync(mode=SyncMode.CUT_OFF),
    seed=1,
    models=MODELS,
)
PREPARED = PrepareResult(
    shots=2, tracks=1, chunks=results.CHUNKS, findings=(Finding(code=FindingCode.FACE_LOST, detail="A face was lost."),)
)
PLANNED = (Phase.ANALYZING, Phase.ENCODING, Phase.GENERATING, Phase.STITCHING)

PICTURE = f"sources/{VIDEO}/{ANALYSIS}-{READING}-1/"
LATENTS = f"{PICTURE}latents/{MASKING}-{'a' * 16}/"
FEATURES = f"sources/{AUDIO}/speech/{SPEECH}-{READING}-{'b' * 16}/t1/25-1x250/"

# Of each phase: kind and key of every item, whether other jobs may use it, and its size in frames.
ITEMS: dict[Phase, list[tuple[str, str, bool, int]]] = {
    Phase.ANALYZING: [
        ("prepare", f"prepare:{VIDEO}:{ANALYSIS}-{READING}-1", True, 250),
        ("encode_speech", f"encode_speech:{FEATURES}", True, 250),
    ],
    Phase.ENCODING: [("encode_face", f"encode_face:{LATENTS}", True, 250)],
    Phase.GENERATING: [
        ("infer", "infer:job_1:0", False, 100),
        ("infer", "infer:job_1:1", False, 100),  # what is generated twice, the pre-roll, counts once
        ("infer", "infer:job_1:2", False, 50),
    ],
    Phase.STITCHING: [("stitch", "stitch:job_1", False, 250)],
}


@pytest.mark.parametrize("phase", ITEMS)
def test_a_phase_has_these_items(phase: Phase) -> None:
    found = flow.plan(phase, JOB, None if phase is Phase.ANALYZING else PREPARED)
    assert [(spec.kind, spec.key, spec.shared, spec.units) for spec in found] == ITEMS[phase]


def test_phases_follow_each_other_to_the_last() -> None:
    assert [flow.NEXT[phase] for phase in (Phase.PROBING, *PLANNED[:-1])] == list(PLANNED)
    assert Phase.STITCHING not in flow.NEXT


EARLIER = flow.Earlier(
    speech=next(spec.payload for spec in flow.plan(Phase.ANALYZING, JOB, None) if isinstance(spec.payload, EncodeSpeechTask)),
    chunks={
        spec.payload.chunk.index: spec.payload
        for spec in flow.plan(Phase.GENERATING, JOB._replace(job_id="job_0", shared_by="studio"), PREPARED)
        if isinstance(spec.payload, InferTask)
    },
)
LEVEL = (0.0, 0.1)


def revised(*ranges: tuple[int, int], level: tuple[float, float] | None = None, **facts: Any) -> flow.JobFacts:
    """The job with another track, which differs from the earlier one's in these frames."""
    compared = CompareResult(changed=tuple(FrameRange(start=start, end=end) for start, end in ranges), level=level)
    new = JOB._replace(shared_by="studio", earlier=EARLIER, compared=compared, **facts)
    return new._replace(audio=changed(JOB.audio, sha256="3" * 64))


def chunk_specs(job: flow.JobFacts) -> list[ItemSpec]:
    return flow.plan(Phase.GENERATING, job, PREPARED)


def test_a_revision_compares_its_sound_first_and_encodes_it_at_the_earlier_level() -> None:
    job = revised(level=LEVEL)
    first, second = (flow.plan(phase, job, PREPARED) for phase in (Phase.ANALYZING, Phase.ENCODING))
    assert [spec.kind for spec in first] == ["prepare", "compare"]
    assert [spec.kind for spec in second] == ["encode_face", "encode_speech"]
    task = second[1].payload
    assert isinstance(task, EncodeSpeechTask)
    assert task.level == LEVEL
    assert task.speech_prefix != flow.plan(Phase.ENCODING, revised(), PREPARED)[1].payload.speech_prefix  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("ranges", "again"),
    {
        "nothing": ((), ()),
        "inside the first": (((3, 4),), (0,)),
        "in the pre-roll of the second too": (((99, 100),), (0, 1)),
        "in the last two": (((188, 189),), (1, 2)),
        "everything": (((0, 250),), (0, 1, 2)),
    }.values(),
)
def test_chunks_whose_sound_is_the_same_are_the_earlier_ones(
    ranges: tuple[tuple[int, int], ...], again: tuple[int, ...]
) -> None:
    specs = chunk_specs(revised(*ranges))
    kept = [spec.payload == EARLIER.chunks[index] for index, spec in enumerate(specs)]
    assert [index for index, same in enumerate(kept) if not same] == list(again)
    crops = [payload.crops for payload in payloads(StitchTask, revised(*ranges))]
    assert [list(places.values()) for places in crops] == [[spec.payload.output_key for spec in specs]]  # type: ignore[attr-defined]


def test_a_shot_with_another_seed_is_generated_again_though_it_sounds_the_same() -> None:
    specs = chunk_specs(revised(seeds={1: 99}))
    assert [spec.payload.seed for spec in specs] == [1, 1, 99]  # type: ignore[attr-defined]
    assert [spec.payload == EARLIER.chunks[index] for index, spec in enumerate(specs)] == [True, True, False]


def test_a_shot_that_keeps_the_original_picture_gets_no_mouth() -> None:
    kept = revised(kept_shots=frozenset({0}))
    assert [spec.payload.chunk.index for spec in chunk_specs(kept)] == [2]  # type: ignore[attr-defined]
    assert [spec.payload.chunk.index for spec in flow.generatable(kept, PREPARED, {0, 2})] == [2]  # type: ignore[attr-defined]
    (stitch,) = flow.plan(Phase.STITCHING, kept, PREPARED)
    assert [chunk.index for chunk in stitch.payload.chunks] == list(stitch.payload.crops) == [2]  # type: ignore[attr-defined]


def test_other_weights_or_another_analysis_leave_nothing_of_the_earlier_job() -> None:
    for other in (with_models(revised(), student=ModelPin(name="l", digest="d" * 64)), with_picture(revised(), track=2)):
        assert not any(spec.payload == EARLIER.chunks[index] for index, spec in enumerate(chunk_specs(other)))


def test_a_change_of_level_means_all_again() -> None:
    assert not any(spec.payload in EARLIER.chunks.values() for spec in chunk_specs(revised((0, 250), level=None)))


def test_generated_chunks_are_shared_by_what_they_follow_from_inside_one_organisation() -> None:
    one = chunk_specs(JOB._replace(shared_by="studio"))
    same = chunk_specs(JOB._replace(shared_by="studio", job_id="job_2"))
    other = chunk_specs(JOB._replace(shared_by="other"))
    assert [spec.key for spec in one] == [spec.key for spec in same]
    assert all(spec.shared for spec in one)
    assert not {spec.key for spec in one} & {spec.key for spec in other}
    keys = {spec.payload.output_key for spec in one}  # type: ignore[attr-defined]
    assert (len(keys), {key.split("/")[0] for key in keys}) == (3, {"chunks"})


STUDIO, NORTH = (JOB._replace(scope=f"organisations/{name}/", shared_by=name) for name in ("studio", "north"))


def objects(job: flow.JobFacts) -> set[str]:
    """Where what the job's items make lies, but for what is the job's own."""
    (prepare,), (face,), (speech,) = (payloads(kind, job) for kind in (PrepareTask, EncodeFaceTask, EncodeSpeechTask))
    return {prepare.analysis_key, face.latents_prefix, speech.speech_prefix, *(t.output_key for t in payloads(InferTask, job))}


def test_two_organisations_share_neither_items_nor_objects() -> None:
    ours, theirs = ({key for keys in every_key(job).values() for key in keys} for job in (STUDIO, NORTH))
    assert ours & theirs == {"stitch:job_1"}
    assert not objects(STUDIO) & objects(NORTH)
    assert {key.split("/")[1] for key in objects(STUDIO)} == {"studio"}
    assert every_key(STUDIO._replace(job_id="job_2"))[WorkKind.INFER] == every_key(STUDIO)[WorkKind.INFER]


def test_the_same_two_sounds_are_compared_once() -> None:
    def key(job: flow.JobFacts) -> str:
        return next(spec.key for spec in flow.plan(Phase.ANALYZING, job, None) if spec.kind is WorkKind.COMPARE)

    one = revised()
    assert key(one) == key(one._replace(job_id="job_2", seed=9))
    others = [with_sound(one, picked=(2,)), with_picture(one, frames=240), one._replace(scope="organisations/north/")]
    others += [one._replace(audio=changed(one.audio, sha256="4" * 64))]
    assert len({key(job) for job in (one, *others)}) == 5


def test_chunks_that_lie_where_all_shared_are_kept_by_a_job_that_shares_inside_its_organisation() -> None:
    job = revised(scope="organisations/studio/")
    assert [spec.payload for spec in chunk_specs(job)] == list(EARLIER.chunks.values())


def changed(frozen: Any, **values: Any) -> Any:
    return frozen.model_copy(update=values)


def with_picture(job: flow.JobFacts, **facts: Any) -> flow.JobFacts:
    media = changed(job.video.media, video=changed(job.video.media.video, **facts))
    return job._replace(video=changed(job.video, media=media))


def with_sound(job: flow.JobFacts, **facts: Any) -> flow.JobFacts:
    media = changed(job.audio.media, audio=changed(job.audio.media.audio, **facts))
    return job._replace(audio=changed(job.audio, media=media))


def with_models(job: flow.JobFacts, **pins: ModelPin) -> flow.JobFacts:
    return job._replace(models=changed(job.models, **pins))


def every_key(job: flow.JobFacts) -> dict[WorkKind, list[str]]:
    specs = [spec for phase in PLANNED for spec in flow.plan(phase, job, PREPARED)]
    return {kind: [spec.key for spec in specs if spec.kind is kind] for kind in {spec.kind for spec in specs}}


OTHER = ModelPin(name="other", digest="d" * 64, version=2)
PICTURES, SOUNDS, OWN = {"prepare", "encode_face"}, {"encode_speech"}, {"infer", "stitch"}

# One fact that differs between two jobs, and the kinds of which they share no item because of it.
FACTS: dict[str, tuple[Callable[[flow.JobFacts], flow.JobFacts], set[str]]] = {
    "the same": (lambda job: job, set()),
    "another job": (lambda job: job._replace(job_id="job_2"), OWN),
    "another seed": (lambda job: job._replace(seed=2), set()),
    "another student": (lambda job: with_models(job, student=OTHER), set()),
    "another face encoder": (lambda job: with_models(job, face_encoder=OTHER), {"encode_face"}),
    "another speech encoder": (lambda job: with_models(job, speech_encoder=OTHER), SOUNDS),
    "another film": (lambda job: job._replace(video=changed(job.video, sha256="3" * 64)), PICTURES),
    "another track": (lambda job: job._replace(audio=changed(job.audio, sha256="3" * 64)), SOUNDS),
    "the same bytes, sent again": (
        lambda job: job._replace(video=changed(job.video, asset_id="ast_3", key="assets/again", filename="again.mp4")),
        set(),
    ),
    "another picture of the file": (lambda job: with_picture(job, track=2), PICTURES),
    "another rate": (lambda job: with_picture(job, fps=Fraction(30)), SOUNDS),
    "another length": (lambda job: with_picture(job, frames=240), SOUNDS),
    "a variable rate": (lambda job: with_picture(job, variable_rate=True), SOUNDS),
    "other sound of the file": (lambda job: with_sound(job, tracks=(2, 3)), SOUNDS),
    "other channels": (lambda job: with_sound(job, picked=(2,)), SOUNDS),
    "a sound that starts late": (lambda job: with_sound(job, start=Fraction(1, 2), samples=456_000), SOUNDS),
    "a picture that starts late": (lambda job: with_picture(job, start=Fraction(1, 2), frames=230), SOUNDS),
}


@pytest.mark.parametrize("name", FACTS)
def test_jobs_share_the_work_that_depends_on_the_same_facts_and_no_other(name: str) -> None:
    change, apart = FACTS[name]
    one, other = every_key(JOB), every_key(change(JOB))
    assert {kind.value for kind in one if one[kind] != other[kind]} == apart


# How a second picture at a variable rate differs from the first: as a stream, and as a file.
VARIABLE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "of two files": ({}, {"sha256": "3" * 64}),
    "of one file": ({"track": 2}, {}),
}


@pytest.mark.parametrize("name", VARIABLE)
def test_pictures_at_a_variable_rate_have_times_of_their_own(name: str) -> None:
    facts, file = VARIABLE[name]
    one = with_picture(JOB, variable_rate=True)
    other = with_picture(one, **facts)
    other = other._replace(video=changed(other.video, **file))
    kind = WorkKind.ENCODE_SPEECH
    assert every_key(one)[kind] != every_key(other)[kind]


def test_a_constant_grid_of_times_is_shared_by_films() -> None:
    kind, other = WorkKind.ENCODE_SPEECH, JOB._replace(video=changed(JOB.video, sha256="3" * 64))
    assert every_key(JOB)[kind] == every_key(other)[kind]


def payloads(kind: type[Frozen], job: flow.JobFacts = JOB) -> list[Any]:
    specs = [spec for phase in PLANNED for spec in flow.plan(phase, job, PREPARED)]
    return [spec.payload for spec in specs if isinstance(spec.payload, kind)]


def test_chunks_are_generated_from_what_was_encoded_and_with_the_jobs_own_seed_and_student() -> None:
    (face,), (speech,) = payloads(EncodeFaceTask), payloads(EncodeSpeechTask)
    found = payloads(InferTask)
    assert [task.chunk for task in found] == list(results.CHUNKS)
    assert [task.latents_key for task in found] == [f"{face.latents_prefix}{number:06d}.npz" for number in range(3)]
    assert {task.speech_prefix for task in found} == {speech.speech_prefix}
    assert [task.output_key for task in found] == [f"jobs/job_1/chunks/{number:06d}.mkv" for number in range(3)]
    assert {(task.seed, task.student, task.preset) for task in found} == {(1, STUDENT, "tiny")}


# Where sound and picture start on the programme's time line: samples of silence before the sound, seconds before the picture.
STARTS = {
    "together": ((0, 0), (0, 0)),
    "the sound first": ((Fraction(1, 4), Fraction(1, 2)), (0, Fraction(1, 4))),
    "the picture first": ((Fraction(3, 4), Fraction(1, 2)), (12_000, 0)),
}


@pytest.mark.parametrize("name", STARTS)
def test_speech_is_encoded_where_the_track_lies_on_the_programmes_time_line(name: str) -> None:
    (sound, picture), expected = STARTS[name]
    (task,) = payloads(EncodeSpeechTask, with_picture(with_sound(JOB, start=sound), start=picture, frames=230))
    assert (task.lead, task.picture_after) == expected


def test_the_stitcher_is_told_the_whole_plan_and_everything_that_was_found() -> None:
    (task,) = payloads(StitchTask, with_sound(JOB, samples=960_000))
    assert (task.chunks, task.findings, task.models) == (PREPARED.chunks, PREPARED.findings, MODELS)
    assert (task.plan.keep, task.plan.samples) == (480_000, 480_000)  # twice as long a track is cut at the picture's end
    assert PREPARED.findings[0] in task.warnings


def test_only_chunks_whose_latents_are_stored_are_generated_early() -> None:
    whole = flow.plan(Phase.GENERATING, JOB, PREPARED)
    assert flow.generatable(JOB, PREPARED, [2, 0]) == [whole[0], whole[2]]
    assert flow.generatable(JOB, PREPARED, []) == []
    assert flow.generatable(JOB, None, [0, 1]) == []


# What was chosen of a file, and what the key of its probe says of it.
CHOICES: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, ""),
    "a picture": ({"picture": 2}, ":p2"),
    "a sound": ({"sound": SoundChoice(tracks=(1, 2))}, ":t1.2"),
    "channels": ({"sound": SoundChoice(channels=(4, 3))}, ":c4.3"),
    "all": ({"picture": 3, "sound": SoundChoice(tracks=(1,), channels=(3, 4))}, ":p3:t1-c3.4"),
}


@pytest.mark.parametrize("name", CHOICES)
def test_a_file_is_probed_once_for_each_use_of_it(name: str) -> None:
    chosen, suffix = CHOICES[name]
    video = ProbeTask(asset_id="ast_1", key="assets/film", filename="film.mp4", claimed_sha256=None, role="video", **chosen)
    audio = changed(video, asset_id="ast_2", role="audio")
    assert [(spec.kind, spec.key, spec.shared, spec.units) for spec in map(flow.probe, (video, audio))] == [
        ("probe", f"probe:{READING}:ast_1:video{suffix}", True, 0),
        ("probe", f"probe:{READING}:ast_2:audio{suffix}", True, 0),
    ]


NOTHING = MediaInfo(container="mov", size_bytes=10)
# Facts that allow no job: what is refused, and when it is first known.
REFUSED: dict[str, tuple[flow.JobFacts, type[DublineError]]] = {
    "no picture": (JOB._replace(video=changed(JOB.video, media=NOTHING)), NoVideoStream),
    "no sound": (JOB._replace(audio=changed(JOB.audio, media=NOTHING)), NotAudio),
    "a short track": (with_sound(JOB, samples=240_000), DurationMismatch),
    "a long track, to be filled": (
        with_sound(JOB._replace(sync=Sync(mode=SyncMode.SILENCE)), samples=960_000),
        DurationMismatch,
    ),
    "two frames more than none": (
        with_sound(JOB._replace(sync=Sync(mode=SyncMode.STRICT)), samples=480_000 + 2 * 1920),
        DurationMismatch,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_facts_that_allow_no_job_are_refused_before_anything_is_analysed(name: str) -> None:
    job, error = REFUSED[name]
    with pytest.raises(error):
        flow.plan(Phase.ANALYZING, job, None)


def test_a_tolerance_lets_longer_tracks_pass() -> None:
    job = with_sound(JOB._replace(sync=Sync(tolerance_frames=2)), samples=480_000 + 2 * 1920)
    assert len(flow.plan(Phase.ANALYZING, job, None)) == 2


@pytest.mark.parametrize("phase", PLANNED[1:])
def test_nothing_is_planned_before_the_analysis_is_known(phase: Phase) -> None:
    with pytest.raises(ValueError, match="before the analysis is known"):
        flow.plan(phase, JOB, None)
