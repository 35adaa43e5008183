"""What handlers would answer for a film of 250 frames at 25 fps with three chunks."""

from datetime import UTC, datetime
from fractions import Fraction

from dubbing.domain.analysis import Analysis, TrackPath
from dubbing.domain.deliveries import DeliverMasterResult, DeliverMasterTask
from dubbing.domain.faces import Chunk, FaceTrack, Shot
from dubbing.domain.findings import Finding, FrameRange
from dubbing.domain.frozen import Frozen
from dubbing.domain.jobs import Models, Sync
from dubbing.domain.media import READING, AudioInfo, ColourTags, MediaInfo, VideoInfo
from dubbing.domain.receipt import AudioFacts, Parity, Receipt, VideoFacts
from dubbing.domain.work import (
    CompareResult,
    CompareTask,
    EncodeResult,
    InferResult,
    InferTask,
    PrepareResult,
    ProbeResult,
    ProbeTask,
    StitchResult,
    StitchTask,
)
from dubbing.ids import output_key, receipt_key

FPS = Fraction(25)
FRAMES = 250
VIDEO = MediaInfo(
    reading=READING,
    container="mov",
    size_bytes=10,
    video=VideoInfo(codec="h264", width=640, height=360, fps=FPS, frames=FRAMES, pixel_format="yuv420p"),
)


def sound(samples: int = 480_000) -> MediaInfo:
    audio = AudioInfo(codec="pcm_s16le", sample_rate=48_000, channels=1, layout="mono", samples=samples)
    return MediaInfo(reading=READING, container="wav", size_bytes=10, audio=audio)


CHUNKS = tuple(
    Chunk(index=index, track=0, shot=index // 2, start=max(0, start - 12), end=min(start + 100, FRAMES), keep_from=start)
    for index, start in enumerate((0, 100, 200))
)


def probe(task: ProbeTask) -> ProbeResult:
    if task.role == "video":
        return ProbeResult(sha256="1" * 64, media=VIDEO)
    return ProbeResult(sha256="2" * 64, media=sound())


def prepare(_: object) -> PrepareResult:
    return PrepareResult(shots=2, tracks=1, chunks=CHUNKS)


def encode(_: object) -> EncodeResult:
    return EncodeResult(frames=FRAMES)


def compare(_: CompareTask) -> CompareResult:
    return CompareResult(changed=(FrameRange(start=0, end=FRAMES),), level=None)


def infer(task: InferTask) -> InferResult:
    return InferResult(frames=task.chunk.end - task.chunk.keep_from, digest=task.student.digest)


def analysis() -> Analysis:
    """What ``prepare`` would write: two shots, and a face in the second."""
    assert VIDEO.video is not None
    track = FaceTrack(index=0, shot=1, start=100, end=250, missing=(120,), size=61.5)
    return Analysis(
        video=VIDEO.video,
        shots=(Shot(index=0, start=0, end=100), Shot(index=1, start=100, end=250)),
        paths=(TrackPath(track=track, anchors=(), opening=()),),
        chunks=tuple(chunk for chunk in CHUNKS if chunk.shot == 1),
    )


def stitch(task: StitchTask, warnings: tuple[Finding, ...] = ()) -> StitchResult:
    picture = VideoFacts(
        filename="film.mp4", sha256="1" * 64, size_bytes=10, frames=FRAMES, fps=FPS, width=640, height=360, codec="h264"
    )
    track = AudioFacts(filename="pt.wav", sha256="2" * 64, sample_rate=48_000, channels=1, samples=480_000)
    receipt = Receipt(
        job_id=task.job_id,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        input_video=picture,
        input_audio=track,
        output_video=picture,
        output_audio=track,
        sync=Sync.model_validate(task.sync),
        models=Models.model_validate(task.models),
        seed=task.seed,
        parity=Parity(
            frames_in=FRAMES,
            frames_out=FRAMES,
            fps=FPS,
            variable_rate=False,
            width=640,
            height=360,
            rotation=0,
            sample_aspect_ratio=Fraction(1),
            colour=ColourTags(),
            samples_in=480_000,
            samples_out=480_000,
            sample_rate=48_000,
            channels=1,
            audio_start=Fraction(0),
        ),
        touched=(),
    )
    return StitchResult(
        output_key=output_key(task.job_id, ".mp4"),
        output_filename="film.pt.mp4",
        receipt_key=receipt_key(task.job_id),
        receipt=receipt,
        warnings=warnings,
    )


def deliver_master(task: DeliverMasterTask) -> DeliverMasterResult:
    return DeliverMasterResult(size=task.size)


def answer(kind: str, task: Frozen) -> Frozen:
    """The result of any kind of item."""
    by_kind = {
        "probe": probe,
        "prepare": prepare,
        "compare": compare,
        "encode_face": encode,
        "encode_speech": encode,
        "infer": infer,
        "stitch": stitch,
        "deliver_master": deliver_master,
    }
    return by_kind[kind](task)  # type: ignore[operator]
