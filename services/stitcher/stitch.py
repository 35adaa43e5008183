"""STITCH: from generated crops to a verified master with its receipt and contact sheet in the object store."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

import numpy as np

from dubbing import clock, ids
from dubbing.domain.analysis import Analysis
from dubbing.domain.jobs import Phase
from dubbing.domain.media import SyncPlan
from dubbing.domain.receipt import Receipt, ShotScore
from dubbing.domain.sync import check_pair
from dubbing.domain.work import StitchResult, StitchTask
from dubbing.faces.detector import FaceDetector
from dubbing.media.encode import EncodeSettings
from dubbing.media.frames import FrameReader
from dubbing.media.mux import MuxSettings, SoundTrack, mux
from dubbing.media.sound import SPEECH_RATE, mono_windows
from dubbing.media.verify import Verified, verify_output
from dubbing.queue.context import Context
from dubbing.storage.sources import SourceCache
from dubbing.storage.store import ObjectStore, Stored
from lipforcing.contract import STUDENTS
from services.stitcher import facts
from services.stitcher.loudness import loudness
from services.stitcher.mouths import mouths
from services.stitcher.paint import Painter
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
    plan: SyncPlan
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
            ParityFailed: the finished file differs from its source or its plan; nothing is delivered.
            EncodeFailed: an encoder refused.
        """
        analysis = Analysis.model_validate_json(self._store.get_bytes(task.analysis_key))
        plan = check_pair(task.video.media, task.audio.media, task.sync.mode, task.sync.tolerance_frames)
        self._delivery.scratch.mkdir(parents=True, exist_ok=True)
        with (
            self._sources.open(task.video.key, task.video.sha256) as video,
            self._sources.open(task.audio.key, task.audio.sha256) as audio,
            TemporaryDirectory(dir=self._delivery.scratch, prefix="stitch-") as folder,
        ):
            return self._stitch(_Inputs(task, analysis, plan, video, audio, Path(folder)), context)

    def _stitch(self, inputs: _Inputs, context: Context) -> StitchResult:
        watch, task = Stopwatch(), inputs.task
        sheet = Sheet(inputs.analysis, task.chunks)
        with self._sound(inputs) as sound, watch.lap("paint_and_encode"):
            opening_V = self._paint(inputs, sheet, context)
            track = sound.ready()
        with ThreadPoolExecutor(1, thread_name_prefix="beside") as beside:  # ffmpeg and the upload leave a core free
            drawn = beside.submit(sheet.draw, inputs.audio, inputs.plan)
            scored = beside.submit(_scores, inputs, opening_V)
            with watch.lap("mux"):
                mux(inputs.picture, track, inputs.output, self._delivery.mux)
            context.phase(Phase.VERIFYING)
            with watch.lap("verify"):
                verified = verify_output(inputs.output, inputs.video, task.video.media, task.audio.media, inputs.plan)
            context.raise_if_canceled()
            with watch.lap("deliver"):
                stored = self._store.put_file(ids.output_key(task.job_id, ".mp4"), inputs.output)
                self._store.put_bytes(ids.preview_key(task.job_id), drawn.result(), "image/png")
                shots = scored.result()
        receipt = _receipt(inputs, verified, stored, shots, watch)
        self._store.put_bytes(ids.receipt_key(task.job_id), receipt.model_dump_json(indent=2).encode(), "application/json")
        return StitchResult(
            output_key=stored.key,
            output_filename=_filename(task),
            receipt_key=ids.receipt_key(task.job_id),
            preview_key=ids.preview_key(task.job_id),
            receipt=receipt,
            warnings=receipt.warnings,
        )

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
        return SoundTrack(inputs.audio, inputs.folder / "sound.mp4", info=info, plan=inputs.plan, settings=settings)


def _scores(inputs: _Inputs, opening_V: np.ndarray) -> tuple[ShotScore, ...]:
    times = FrameReader(inputs.video, inputs.analysis.video).frame_times()
    loud_V = loudness(mono_windows(inputs.audio, SPEECH_RATE, inputs.plan), times, SPEECH_RATE)
    return score_shots(inputs.analysis, opening_V, loud_V)


def _receipt(inputs: _Inputs, verified: Verified, stored: Stored, shots: tuple[ShotScore, ...], watch: Stopwatch) -> Receipt:
    task, name = inputs.task, _filename(inputs.task)
    return Receipt(
        job_id=task.job_id,
        created_at=clock.now(),
        input_video=facts.video(task.video.filename, task.video.sha256, task.video.media),
        input_audio=facts.audio(task.audio.filename, task.audio.sha256, task.audio.media),
        output_video=facts.video(name, stored.sha256, verified.media),
        output_audio=facts.audio(name, stored.sha256, verified.media),
        sync=task.sync,
        models=task.models,
        seed=task.seed,
        parity=verified.parity,
        touched=inputs.analysis.touched(task.chunks, inputs.analysis.video.frames),
        shots=shots,
        timings=watch.seconds,
        warnings=task.findings,
    )


def _filename(task: StitchTask) -> str:
    """What the master is called when it is downloaded: the picture's name, then the track's."""
    return f"{PurePath(task.video.filename).stem}.{PurePath(task.audio.filename).stem}.mp4"
