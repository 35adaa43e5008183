"""Which work comes next: pure functions from a job's facts and results to the items of its next phase.

probing -> analyzing -> encoding -> generating -> stitching -> done
probe x2   prepare      encode x2   infer x N      stitch

A job without a track analyses a title's picture, and is done then.

The sound is encoded while the picture is analysed: it needs nothing of the analysis, and other workers do it. The picture is
encoded by stretches, and a chunk is generated as soon as its own latents are stored, while the rest is still being encoded: the
phase is `encoding` until all are, and `generating` has begun when the first chunk was asked for.
"""

from collections.abc import Collection
from typing import NamedTuple

from dubbing import ids
from dubbing.domain.faces import Chunk
from dubbing.domain.jobs import Models, Phase, Sync
from dubbing.domain.media import READING, AudioInfo, SyncPlan, VideoInfo
from dubbing.domain.sync import check_pair
from dubbing.domain.work import (
    ANALYSIS,
    MASKING,
    SPEECH,
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
from dubbing.errors import NotAudio, NoVideoStream

NEXT = {
    Phase.PROBING: Phase.ANALYZING,
    Phase.ANALYZING: Phase.ENCODING,
    Phase.ENCODING: Phase.GENERATING,
    Phase.GENERATING: Phase.STITCHING,
}


class JobFacts(NamedTuple):
    """The facts that planning needs: what was asked for, and what the probes found. ``name`` is that of the master."""

    job_id: str
    video: Source
    audio: Source
    sync: Sync
    seed: int
    models: Models
    name: str | None = None


def probes(*files: ProbeTask) -> list[ItemSpec]:
    """The first items of every job, keyed by asset, by how files are read and by what was chosen: content is not known yet."""
    return [ItemSpec(WorkKind.PROBE, _probe_key(task), task, shared=True) for task in files]


def prepare(video: Source) -> ItemSpec:
    """The analysis of a picture, which every job for it shares.

    Raises:
        NoVideoStream: there is none.
    """
    analysis = _analysis(video)
    task = PrepareTask(source=video, analysis=analysis, analysis_key=ids.analysis_key(video.sha256, analysis))
    key = f"prepare:{video.sha256}:{analysis}"
    return ItemSpec(WorkKind.PREPARE, key, task, shared=True, units=_video(video).frames)


def _probe_key(task: ProbeTask) -> str:
    chosen = [f"p{task.picture}" if task.picture is not None else "", _sound(task.sound.tracks, task.sound.channels)]
    return ":".join(["probe", READING, task.asset_id, task.role, *filter(None, chosen)])


def _sound(tracks: tuple[int, ...], channels: tuple[int, ...]) -> str:
    """Which sound is used, as a part of keys: ``t1.2`` or ``t1-c3.4``."""
    parts = [f"{name}{'.'.join(map(str, chosen))}" for name, chosen in (("t", tracks), ("c", channels)) if chosen]
    return "-".join(parts)


def plan(phase: Phase, job: JobFacts, prepared: PrepareResult | None) -> list[ItemSpec]:
    """Items of ``phase``; ``prepared`` is known from ``encoding`` on.

    Raises:
        DublineError: the inputs do not allow the job (no stream, lengths that differ).
    """
    if phase is Phase.ANALYZING:
        sync_plan(job)
        return [prepare(job.video), _encode_speech(job)]
    if prepared is None:
        message = f"nothing is planned for {phase} before the analysis is known"
        raise ValueError(message)
    if phase is Phase.ENCODING:
        return [_encode_face(job, prepared)]
    if phase is Phase.GENERATING:
        return [_infer(job, chunk) for chunk in prepared.chunks]
    return [_stitch(job, prepared)]


def generatable(job: JobFacts, prepared: PrepareResult | None, stored: Collection[int]) -> list[ItemSpec]:
    """Items of ``generating`` whose latents are ``stored``, by the chunks' numbers, while others are still being encoded."""
    return [_infer(job, chunk) for chunk in prepared.chunks if chunk.index in stored] if prepared else []


def sync_plan(job: JobFacts) -> SyncPlan:
    """How sound and picture meet; raises when they do not."""
    return check_pair(job.video.media, job.audio.media, job.sync.mode, job.sync.tolerance_frames)


def _video(source: Source) -> VideoInfo:
    if source.media.video is None:
        raise NoVideoStream(f"{source.filename} has no video stream.", where={"pointer": "/video"})
    return source.media.video


def _audio(job: JobFacts) -> AudioInfo:
    if job.audio.media.audio is None:
        raise NotAudio(f"{job.audio.filename} has no audio stream.", where={"pointer": "/audio"})
    return job.audio.media.audio


def _analysis(video: Source) -> str:
    """The version of the analysis: of its method, of how the file was read, and the picture that is used."""
    return f"{ANALYSIS}-{READING}-{_video(video).track}"


def _analysis_key(job: JobFacts) -> str:
    return ids.analysis_key(job.video.sha256, _analysis(job.video))


def _latents_prefix(job: JobFacts) -> str:
    return ids.latents_prefix(job.video.sha256, _analysis(job.video), MASKING, job.models.face_encoder.digest)


def _speech_prefix(job: JobFacts) -> str:
    """A constant rate's times follow from rate and count; a variable rate's are the picture's own."""
    video, audio, laid = _video(job.video), _audio(job), sync_plan(job)
    own, constant = f"{job.video.sha256}-{video.track}", f"{video.fps.numerator}-{video.fps.denominator}x{video.frames}"
    rate = own if video.variable_rate else constant
    late = f"-{laid.lead}-{laid.picture_after.numerator}-{laid.picture_after.denominator}"
    grid = rate + late * bool(laid.lead or laid.picture_after)
    method, used = f"{SPEECH}-{READING}", _sound(audio.tracks, audio.picked)
    return ids.speech_prefix(job.audio.sha256, method, used, grid, job.models.speech_encoder.digest)


def _encode_face(job: JobFacts, prepared: PrepareResult) -> ItemSpec:
    """Its size is what will be generated, so that both can be told as shares of one whole."""
    prefix = _latents_prefix(job)
    task = EncodeFaceTask(
        source=job.video,
        analysis_key=_analysis_key(job),
        preset=job.models.preset,
        encoder=job.models.face_encoder,
        latents_prefix=prefix,
    )
    return ItemSpec(WorkKind.ENCODE_FACE, f"encode_face:{prefix}", task, shared=True, units=sum(map(_kept, prepared.chunks)))


def _encode_speech(job: JobFacts) -> ItemSpec:
    prefix, laid = _speech_prefix(job), sync_plan(job)
    task = EncodeSpeechTask(
        source=job.audio,
        video=job.video,
        preset=job.models.preset,
        encoder=job.models.speech_encoder,
        speech_prefix=prefix,
        lead=laid.lead,
        picture_after=laid.picture_after,
    )
    return ItemSpec(WorkKind.ENCODE_SPEECH, f"encode_speech:{prefix}", task, shared=True, units=_video(job.video).frames)


def _infer(job: JobFacts, chunk: Chunk) -> ItemSpec:
    task = InferTask(
        job_id=job.job_id,
        chunk=chunk,
        seed=job.seed,
        preset=job.models.preset,
        student=job.models.student,
        latents_key=ids.latents_key(_latents_prefix(job), chunk.index),
        speech_prefix=_speech_prefix(job),
        output_key=ids.chunk_key(job.job_id, chunk.index),
    )
    return ItemSpec(WorkKind.INFER, f"infer:{job.job_id}:{chunk.index}", task, shared=False, units=_kept(chunk))


def _kept(chunk: Chunk) -> int:
    return chunk.end - chunk.keep_from


def _stitch(job: JobFacts, prepared: PrepareResult) -> ItemSpec:
    task = StitchTask(
        job_id=job.job_id,
        video=job.video,
        audio=job.audio,
        sync=job.sync,
        plan=sync_plan(job),
        seed=job.seed,
        models=job.models,
        analysis_key=_analysis_key(job),
        chunks=prepared.chunks,
        findings=prepared.findings,
        name=job.name,
    )
    return ItemSpec(WorkKind.STITCH, f"stitch:{job.job_id}", task, shared=False, units=_video(job.video).frames)
