"""The receipt of a master: what went in, what came out, and the proof."""

from dataclasses import dataclass
from pathlib import PurePath

from dubbing import clock
from dubbing.domain.analysis import Analysis
from dubbing.domain.findings import Finding
from dubbing.domain.media import AudioInfo, MediaInfo, VideoInfo
from dubbing.domain.receipt import AudioFacts, Parity, Receipt, VideoFacts
from dubbing.domain.witness import Reading, Witness, Witnessed
from dubbing.domain.work import StitchTask
from dubbing.errors import ParityFailed
from dubbing.media.encode import delivery_colour
from dubbing.media.reading import FIRST
from dubbing.media.sound_codec import SoundCodec
from dubbing.media.witness.master import MasterCheck
from dubbing.storage.store import StoredObject
from services.stitcher.scoring import Agreements

_CODEC = "h264"


@dataclass(frozen=True)
class ReceiptParts:
    """Everything that a receipt is made of; ``passed_through`` frames were to be repainted, and pass through instead."""

    task: StitchTask
    analysis: Analysis
    check: MasterCheck
    stored: StoredObject
    sound_codec: SoundCodec | None
    scores: Agreements
    passed_through: frozenset[int]
    warnings: tuple[Finding, ...]
    seconds: dict[str, float]


def make_receipt(made: ReceiptParts) -> Receipt:
    """The receipt of a proved master.

    Raises:
        ParityFailed: a file lacks its stream.
    """
    task, name = made.task, master_name(made.task)
    source, sound = task.video.media, task.audio.media
    video, audio = _video(source), _audio(sound)
    return Receipt(
        job_id=task.job_id,
        created_at=clock.now(),
        input_video=_video_facts(task.video.filename, task.video.sha256, source.size_bytes, video),
        input_audio=_audio_facts(task.audio.filename, task.audio.sha256, audio),
        output_video=_video_facts(name, made.stored.sha256, made.stored.size, _delivered_picture(video)),
        output_audio=_audio_facts(name, made.stored.sha256, _delivered_sound(audio, made)),
        sync=task.sync,
        models=task.models,
        seed=task.seed,
        parity=_parity(made, video, audio),
        plan=task.plan,
        witness=Witnessed(
            video=source.witness,
            audio=sound.witness,
            master=Witness(first=_written(made, video), second=made.check.reading),
            pixels=made.check.pixels,
            sound=made.check.sound,
        ),
        touched=made.analysis.touched(task.chunks, made.analysis.video.frames, made.passed_through),
        score=made.scores.language,
        shots=made.scores.shots,
        timings=made.seconds,
        warnings=made.warnings,
    )


def master_name(task: StitchTask) -> str:
    """What the master is called when it is downloaded: as was asked, else the picture's name, then the track's."""
    return f"{task.name or '.'.join(PurePath(source.filename).stem for source in (task.video, task.audio))}.mp4"


def _video(media: MediaInfo) -> VideoInfo:
    if media.video is None:
        raise ParityFailed("The source has no picture.", where={"stage": "verify"})
    return media.video


def _audio(media: MediaInfo) -> AudioInfo:
    if media.audio is None:
        raise ParityFailed("The given track has no sound.", where={"stage": "verify"})
    return media.audio


def _delivered_picture(video: VideoInfo) -> VideoInfo:
    """The master's picture: what was asked of the encoder, and proved."""
    return video.model_copy(update={"codec": _CODEC, "colour": delivery_colour(video)})


def _delivered_sound(audio: AudioInfo, made: ReceiptParts) -> AudioInfo:
    changed = {"samples": made.task.plan.samples, "tracks": (1,), "picked": ()}
    if made.sound_codec is not None:
        changed |= {"codec": made.sound_codec.codec, "layout": made.sound_codec.layout}
    return audio.model_copy(update=changed)


def _video_facts(filename: str, sha256: str, size: int, info: VideoInfo) -> VideoFacts:
    return VideoFacts(
        filename=filename,
        sha256=sha256,
        size_bytes=size,
        frames=info.frames,
        fps=info.fps,
        width=info.width,
        height=info.height,
        rotation=info.rotation,
        codec=info.codec,
        colour=info.colour,
    )


def _audio_facts(filename: str, sha256: str, info: AudioInfo) -> AudioFacts:
    return AudioFacts(
        filename=filename,
        sha256=sha256,
        sample_rate=info.sample_rate,
        channels=info.channels,
        samples=info.samples,
        tracks=info.tracks,
        picked=info.picked,
        layout=info.layout,
        codec=info.codec,
    )


def _parity(made: ReceiptParts, video: VideoInfo, audio: AudioInfo) -> Parity:
    found = made.check.reading
    return Parity(
        frames_in=video.frames,
        frames_out=found.frames or 0,
        fps=video.fps,
        variable_rate=video.variable_rate,
        width=video.width,
        height=video.height,
        rotation=video.rotation,
        mirrored=video.mirrored,
        sample_aspect_ratio=video.sample_aspect_ratio,
        colour=delivery_colour(video),
        samples_in=audio.samples,
        samples_out=found.samples or 0,
        sample_rate=audio.sample_rate,
        channels=audio.channels,
        audio_start=made.task.plan.start,
        video_start=found.start or made.task.plan.start,
    )


def _written(made: ReceiptParts, video: VideoInfo) -> Reading:
    """The first reading of a master: what was written into it."""
    plan = made.task.plan
    begins = plan.start + plan.picture_after
    return Reading(
        by=(FIRST,),
        frames=video.frames,
        size=(video.width, video.height),
        start=begins,
        end=begins + video.duration,
        samples=plan.samples,
        sample_rate=plan.sample_rate,
        channels=made.check.reading.channels,
    )
