"""STITCH: from generated crops to a proved master with its receipt and contact sheet in the object store."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from dubbing import ids
from dubbing.domain.analysis import Analysis
from dubbing.domain.jobs import Phase
from dubbing.domain.media import READING
from dubbing.domain.receipt import ShotScore
from dubbing.domain.work import StitchResult, StitchTask
from dubbing.errors import ObjectMissing, ParityFailed
from dubbing.faces.detector import FaceDetector
from dubbing.media.container import naming
from dubbing.media.encode import EncodeSettings
from dubbing.media.frames import FrameReader
from dubbing.media.mono import SPEECH_RATE, mono_windows
from dubbing.media.mux import MuxSettings, SoundTrack, mux
from dubbing.media.proof import given_sound, prove
from dubbing.media.witness.facts import Headers, PictureRecord, read_picture
from dubbing.queue.context import Context
from dubbing.storage.sources import SourceCache
from dubbing.storage.store import ObjectStore
from lipforcing.contract import STUDENTS
from services.stitcher.loudness import loudness
from services.stitcher.mouths import mouths
from services.stitcher.paint import Painter
from services.stitcher.receipt import Made, make_receipt, master_name
from services.stitcher.scoring import MouthMeter, score_shots
from services.stitcher.sheet import Sheet
from services.stitcher.stopwatch import Stopwatch


@dataclass(frozen=True)
class Delivery:
    """How masters are made."""

    scratch: Path
    encode: EncodeSettings
    mux: MuxSettings


@dataclass(frozen=True)
class _Inputs:
    """Everything that one stitch reads, and where it writes."""

    task: StitchTask
    analysis: Analysis
    video: Path
    audio: Path
    folder: Path

    @property
    def picture(self) -> Path:
        return self.folder / "picture.mp4"

    @property
    def output(self) -> Path:
        return self.folder / "output.mp4"


class Stitcher:
    """Handler of ``stitch`` items."""

    def __init__(
        self,
        store: ObjectStore,
        sources: SourceCache,
        open_detector: Callable[[], FaceDetector],
        delivery: Delivery,
    ) -> None:
        self._store = store
        self._sources = sources
        self._open_detector = open_detector
        self._delivery = delivery

    def __call__(self, task: StitchTask, context: Context) -> StitchResult:
        """Make, verify and deliver the master.

        Raises:
            ParityFailed: the second reading finds a master that differs from its source or its plan; nothing is delivered.
            EncodeFailed: an encoder refused.
        """
        analysis = Analysis.model_validate_json(self._store.get_bytes(task.analysis_key))
        self._delivery.scratch.mkdir(parents=True, exist_ok=True)
        with (
            self._sources.open(task.video.key, task.video.sha256) as video,
            self._sources.open(task.audio.key, task.audio.sha256) as audio,
            TemporaryDirectory(dir=self._delivery.scratch, prefix="stitch-") as folder,
        ):
            return self._stitch(_Inputs(task, analysis, video, audio, Path(folder)), context)

    def _stitch(self, inputs: _Inputs, context: Context) -> StitchResult:
        watch, task = Stopwatch(), inputs.task
        sheet = Sheet(inputs.analysis, task.chunks)
        with self._sound(inputs) as sound, watch.lap("paint_and_encode"):
            with naming(task.video.filename, "video"):
                opening_V = self._paint(inputs, sheet, context)
            with naming(task.audio.filename, "audio"):
                track = sound.ready()
        with ThreadPoolExecutor(1, thread_name_prefix="beside") as beside:  # ffmpeg and the upload leave a core free
            drawn = beside.submit(sheet.draw, inputs.audio, task.audio.media.audio, task.plan)
            scored = beside.submit(_scores, inputs, opening_V)
            with watch.lap("mux"):
                mux(inputs.picture, track, inputs.output, self._delivery.mux, task.plan)
            context.phase(Phase.VERIFYING)
            with watch.lap("verify"):
                given = given_sound(inputs.audio, task.audio.media, task.plan, sound.carriage)
                cuts = [shot.start for shot in inputs.analysis.shots[1:]]
                check = prove(inputs.output, self._record(inputs), given, cuts)
            context.raise_if_canceled()
            with watch.lap("deliver"):
                stored = self._store.put_file(ids.output_key(task.job_id, ".mp4"), inputs.output)
                self._store.put_bytes(ids.preview_key(task.job_id), drawn.result(), "image/png")
                shots = scored.result()
        warnings = (*task.warnings, *sound.findings)
        receipt = make_receipt(Made(task, inputs.analysis, check, stored, sound.carriage, shots, warnings, watch.seconds))
        self._store.put_bytes(ids.receipt_key(task.job_id), receipt.model_dump_json(indent=2).encode(), "application/json")
        return StitchResult(
            output_key=stored.key,
            output_filename=master_name(task),
            receipt_key=ids.receipt_key(task.job_id),
            preview_key=ids.preview_key(task.job_id),
            receipt=receipt,
            warnings=receipt.warnings,
        )

    def _record(self, inputs: _Inputs) -> PictureRecord:
        """The source as the second reading saw it when it was probed; a job of before an upgrade has it read now.

        Raises:
            ParityFailed: the second reading sees no picture.
        """
        video = inputs.task.video
        track = video.media.video.track if video.media.video is not None else 1
        try:
            return PictureRecord.unpack(self._store.get_bytes(ids.record_key(video.sha256, READING, track)))
        except ObjectMissing:
            record = read_picture(Headers.of(inputs.video), track).record
        if record is None:
            raise ParityFailed(f"A second reading of {video.filename} shows no picture.", where={"stage": "verify"})
        return record

    def _paint(self, inputs: _Inputs, sheet: Sheet, context: Context) -> np.ndarray:
        task, analysis = inputs.task, inputs.analysis
        size = STUDENTS[task.models.preset].crop
        painted = mouths(self._store, task.job_id, analysis, task.chunks, size)
        reader = FrameReader(inputs.video, analysis.video, self._delivery.encode.threads)
        with MouthMeter(self._open_detector, analysis.shots, analysis.video.frames) as meter:
            painter = Painter(analysis.video, size, self._delivery.encode, meter, sheet)
            painter.paint(reader, painted, inputs.picture, context)
        return meter.opening

    def _sound(self, inputs: _Inputs) -> SoundTrack:
        info, settings = inputs.task.audio.media, self._delivery.mux
        return SoundTrack(inputs.audio, inputs.folder / "sound.mp4", info=info, plan=inputs.task.plan, settings=settings)


def _scores(inputs: _Inputs, opening_V: np.ndarray) -> tuple[ShotScore, ...]:
    plan, info = inputs.task.plan, inputs.task.audio.media.audio
    times = [plan.picture_after + time for time in FrameReader(inputs.video, inputs.analysis.video).frame_times()]
    samples = mono_windows(inputs.audio, info, SPEECH_RATE, plan) if info is not None else iter(())
    return score_shots(inputs.analysis, opening_V, loudness(samples, times, SPEECH_RATE))
