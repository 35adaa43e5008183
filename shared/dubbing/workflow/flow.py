"""Which work comes next: pure functions from a job's facts and results to the items of its next phase.

probing -> analyzing -> encoding -> generating -> stitching -> done
probe x2   prepare      encode x2   infer x N      stitch

A job with an earlier one compares the sounds while the picture is analysed, and keeps the chunks whose sound is the same; its
sound is encoded afterwards, at the earlier one's level.

A job without a track analyses a title's picture, and is done then.

The sound is encoded while the picture is analysed: it needs nothing of the analysis, and other workers do it. The picture is
encoded by stretches, and a chunk is generated as soon as its own latents are stored, while the rest is still being encoded: the
phase is `encoding` until all are, and `generating` has begun when the first chunk was asked for.
"""

import hashlib
from collections.abc import Collection, Mapping
from typing import NamedTuple

from dubbing import ids
from dubbing.domain.faces import Chunk
from dubbing.domain.jobs import Models, Phase, Sharing, Sync
from dubbing.domain.media import READING, AudioInfo, SyncPlan, VideoInfo
from dubbing.domain.sync import check_pair
from dubbing.domain.work import (
    ANALYSIS,
    COMPARISON,
    MASKING,
    SPEECH,
    CompareResult,
    CompareTask,
    EncodeFaceTask,
    EncodeSpeechTask,
    InferTask,
    ItemSpec,
    LaidSound,
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


class Earlier(NamedTuple):
    """What an earlier job for the same picture left: how its track was encoded, and its chunks by number."""

    speech: EncodeSpeechTask
    chunks: Mapping[int, InferTask]


class JobFacts(NamedTuple):
    """The facts that planning needs: what was asked for, and what the probes found.

    Attributes:
        name: of the master.
        scope: begins the keys of what is shared, an organisation's folder; empty where all organisations share.
        shared_by: the organisation whose jobs share generated chunks, empty for all; None where they are the job's own.
        seeds: of shots that have another one than the job, by the shot's number.
        kept_shots: by number, those that keep the original picture.
        earlier: the job whose chunks are kept where the sound is the same.
        compared: how the sound differs from the earlier one's, known from ``encoding`` on.
    """

    job_id: str
    video: Source
    audio: Source
    sync: Sync
    seed: int
    models: Models
    name: str | None = None
    scope: str = ""
    shared_by: str | None = None
    seeds: Mapping[int, int] = {}
    kept_shots: frozenset[int] = frozenset()
    earlier: Earlier | None = None
    compared: CompareResult | None = None


def probe(task: ProbeTask) -> ItemSpec:
    """What reads a file, keyed by asset, by how files are read and by what was chosen: content is not known yet."""
    chosen = [f"p{task.picture}" if task.picture is not None else "", _sound(task.sound.tracks, task.sound.channels)]
    key = ":".join(["probe", READING, task.asset_id, task.role, *filter(None, chosen)])
    return ItemSpec(WorkKind.PROBE, key, task, shared=True)


def prepare(video: Source, scope: str) -> ItemSpec:
    """The analysis of a picture, which every job in ``scope`` shares.

    Raises:
        NoVideoStream: there is none.
    """
    analysis = _analysis(video)
    source = ids.source_prefix(scope, video.sha256)
    task = PrepareTask(source=video, analysis=analysis, analysis_key=ids.analysis_key(source, analysis))
    key = known_keys(scope, video.sha256, _video(video).track, None)[WorkKind.PREPARE]
    return ItemSpec(WorkKind.PREPARE, key, task, shared=True, units=_video(video).frames)


def scope_of(organisation_id: str, sharing: str | None) -> str:
    """Begins the keys of what a job shares; nothing for one of before, whose work lies where all shared it."""
    return ids.organisation_scope(organisation_id) if sharing == Sharing.ORGANISATION else ""


def known_keys(scope: str, sha256: str, track: int, encoder_digest: str | None) -> dict[WorkKind, str]:
    """Keys of the work on a picture that all jobs in ``scope`` share, for which others may have asked already.

    Args:
        scope: begins the keys of what is shared.
        sha256: of the file.
        track: number of the picture in it.
        encoder_digest: of the faces' encoder; None for a job without one.
    """
    analysis = _analysis_of(track)
    keys = {WorkKind.PREPARE: f"prepare:{scope}{sha256}:{analysis}"}
    if encoder_digest is not None:
        keys[WorkKind.ENCODE_FACE] = f"encode_face:{_latents(scope, sha256, analysis, encoder_digest)}"
    return keys


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
        return [prepare(job.video, job.scope), _encode_speech(job) if job.earlier is None else _compare(job, job.earlier)]
    if prepared is None:
        message = f"nothing is planned for {phase} before the analysis is known"
        raise ValueError(message)
    if phase is Phase.ENCODING:
        return [_encode_face(job, prepared), *([] if job.earlier is None else [_encode_speech(job)])]
    if phase is Phase.GENERATING:
        return [_infer(job, chunk) for chunk in _dubbed(job, prepared)]
    return [_stitch(job, prepared)]


def generatable(job: JobFacts, prepared: PrepareResult | None, stored: Collection[int]) -> list[ItemSpec]:
    """Items of ``generating`` whose latents are ``stored``, by the chunks' numbers, while others are still being encoded."""
    return [_infer(job, chunk) for chunk in _dubbed(job, prepared) if chunk.index in stored] if prepared else []


def _dubbed(job: JobFacts, prepared: PrepareResult) -> tuple[Chunk, ...]:
    """The chunks that get mouths of ours."""
    return tuple(chunk for chunk in prepared.chunks if chunk.shot not in job.kept_shots)


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
    return _analysis_of(_video(video).track)


def _analysis_of(track: int) -> str:
    return f"{ANALYSIS}-{READING}-{track}"


def _analysis_key(job: JobFacts) -> str:
    return ids.analysis_key(ids.source_prefix(job.scope, job.video.sha256), _analysis(job.video))


def _latents_prefix(job: JobFacts) -> str:
    return _latents(job.scope, job.video.sha256, _analysis(job.video), job.models.face_encoder.digest)


def _latents(scope: str, sha256: str, analysis: str, encoder_digest: str) -> str:
    return ids.latents_prefix(ids.source_prefix(scope, sha256), analysis, MASKING, encoder_digest)


def _rate(job: JobFacts) -> str:
    """A constant rate's times follow from rate and count; a variable rate's are the picture's own."""
    video = _video(job.video)
    own, constant = f"{job.video.sha256}-{video.track}", f"{video.fps.numerator}-{video.fps.denominator}x{video.frames}"
    return own if video.variable_rate else constant


def _speech_prefix(job: JobFacts) -> str:
    audio, laid = _audio(job), sync_plan(job)
    late = f"-{laid.lead}-{laid.picture_after.numerator}-{laid.picture_after.denominator}"
    level = "" if (found := _level(job)) is None else f"-l{_digest(found)[:16]}"
    grid = _rate(job) + late * bool(laid.lead or laid.picture_after) + level
    method, used = f"{SPEECH}-{READING}", _sound(audio.tracks, audio.picked)
    source = ids.source_prefix(job.scope, job.audio.sha256)
    return ids.speech_prefix(source, method, used, grid, job.models.speech_encoder.digest)


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
    keys = known_keys(job.scope, job.video.sha256, _video(job.video).track, job.models.face_encoder.digest)
    return ItemSpec(WorkKind.ENCODE_FACE, keys[WorkKind.ENCODE_FACE], task, shared=True, units=sum(map(_kept, prepared.chunks)))


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
        level=_level(job),
    )
    return ItemSpec(WorkKind.ENCODE_SPEECH, f"encode_speech:{prefix}", task, shared=True, units=_video(job.video).frames)


def _compare(job: JobFacts, earlier: Earlier) -> ItemSpec:
    laid, before = sync_plan(job), earlier.speech
    task = CompareTask(
        sound=LaidSound(source=job.audio, lead=laid.lead, picture_after=laid.picture_after),
        base=LaidSound(source=before.source, lead=before.lead, picture_after=before.picture_after),
        video=job.video,
        level=before.level,
    )
    content = (COMPARISON, READING, _heard(task.sound), _heard(task.base), _rate(job), task.level)
    key = f"compare:{job.scope}{_digest(content)}"
    return ItemSpec(WorkKind.COMPARE, key, task, shared=True, units=_video(job.video).frames)


def _heard(sound: LaidSound) -> tuple[object, ...]:
    audio = sound.source.media.audio
    return (sound.source.sha256, *((audio.tracks, audio.picked) if audio else ()), sound.lead, sound.picture_after)


def _level(job: JobFacts) -> tuple[float, float] | None:
    return None if job.compared is None else job.compared.level


def _infer(job: JobFacts, chunk: Chunk) -> ItemSpec:
    task = _generated(job, chunk)
    own = job.shared_by is None
    key = f"infer:{job.job_id}:{chunk.index}" if own else f"infer:{job.shared_by}:{task.output_key}"
    return ItemSpec(WorkKind.INFER, key, task, shared=not own, units=_kept(chunk))


def _generated(job: JobFacts, chunk: Chunk) -> InferTask:
    """How the chunk is generated: as it was for the earlier job, if nothing changed that it follows from."""
    new = InferTask(
        job_id=job.job_id,
        chunk=chunk,
        seed=job.seeds.get(chunk.shot, job.seed),
        preset=job.models.preset,
        student=job.models.student,
        latents_key=ids.latents_key(_latents_prefix(job), chunk.index),
        speech_prefix=_speech_prefix(job),
        output_key=ids.chunk_key(job.job_id, chunk.index),
    )
    before = None if job.earlier is None else job.earlier.chunks.get(chunk.index)
    if before is not None and _sounds_alike(job, chunk) and _content(before, new.speech_prefix) == _content(new):
        return before
    if job.shared_by is None:
        return new
    return new.model_copy(update={"output_key": ids.shared_chunk_key(job.scope, _digest(_content(new)))})


def _sounds_alike(job: JobFacts, chunk: Chunk) -> bool:
    changed = () if job.compared is None else job.compared.changed
    return job.compared is not None and all(part.end <= chunk.start or chunk.end <= part.start for part in changed)


def _content(task: InferTask, speech_prefix: str | None = None) -> tuple[object, ...]:
    """All that the mouths of a chunk follow from, its number too, which is drawn from; its job is not among it.

    Nor is the scope: what lay elsewhere before an upgrade, or before all organisations shared, is the same.
    """
    chunk = (task.chunk.index, task.chunk.start, task.chunk.keep_from, task.chunk.end)
    encoded = [key[key.rindex("sources/") :] for key in (task.latents_key, speech_prefix or task.speech_prefix)]
    return (encoded[0], *chunk, encoded[1], task.student.digest, task.seed)


def _digest(values: tuple[object, ...]) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()


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
        chunks=_dubbed(job, prepared),
        findings=(*prepared.findings, *(() if job.compared is None else job.compared.findings)),
        crops={chunk.index: _generated(job, chunk).output_key for chunk in _dubbed(job, prepared)},
        name=job.name,
    )
    return ItemSpec(WorkKind.STITCH, f"stitch:{job.job_id}", task, shared=False, units=_video(job.video).frames)
