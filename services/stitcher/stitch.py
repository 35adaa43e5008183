"""STITCH: from generated crops to a proved master with its receipt and contact sheet in the object store."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dubbing import ids
from dubbing.domain.analysis import Analysis
from dubbing.domain.jobs import Phase
from dubbing.domain.media import READING
from dubbing.domain.work import StitchResult, StitchTask
from dubbing.errors import ObjectMissing, ParityFailed
from dubbing.faces.detector import FaceDetector
from dubbing.faces.guard import broken_mouths
from dubbing.media.container import naming
from dubbing.media.encode import EncodeSettings
from dubbing.media.frames import FrameReader
from dubbing.media.mux import MuxSettings, SoundWriter, mux
from dubbing.media.proof import given_sound, prove
from dubbing.media.witness.facts import Headers, PictureRecord, read_picture
from dubbing.queue.context import Context
from dubbing.storage.scratch import scratch_folder
from dubbing.storage.sources import SourceCache
from dubbing.storage.store import ObjectStore
from lipforcing.contract import STUDENTS
from services.stitcher.mouths import GeneratedMouths
from services.stitcher.paint import Painter
from services.stitcher.receipt import ReceiptParts, make_receipt, master_name
from services.stitcher.scorer import Scorer
from services.stitcher.scoring import MouthMeter
from services.stitcher.sheet import Sheet
from services.stitcher.stopwatch import Stopwatch


@dataclass(frozen=True)
class Delivery:
    """How masters are made."""

    scratch: Path
    encode: EncodeSettings
    mux: MuxSettings


@dataclass(frozen=True)
class _StitchInputs:
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


class _Repainted(NamedTuple):
    """What painting found: the mouths' openings, and the frames that are told of (`Painter.broken`, `Painter.doubtful`)."""

    opening_V: np.ndarray
    broken: dict[int, float]
    doubtful: dict[int, float]


class Stitcher:
    """Handler of ``stitch`` items."""

    def __init__(
        self,
        store: ObjectStore,
        sources: SourceCache,
        open_detector: Callable[[], FaceDetector],
        delivery: Delivery,
        scorer: Scorer,
    ) -> None:
        self._store = store
        self._sources = sources
        self._open_detector = open_detector
        self._delivery = delivery
        self._scorer = scorer

    def __call__(self, task: StitchTask, context: Context) -> StitchResult:
        """Make, verify and deliver the master.

        Raises:
            ParityFailed: the second reading finds a master that differs from its source or its plan; nothing is delivered.
            EncodeFailed: an encoder refused.
        """
        analysis = Analysis.model_validate_json(self._store.get_bytes(task.analysis_key))
        with (
            self._sources.open(task.video.key, task.video.sha256) as video,
            self._sources.open(task.audio.key, task.audio.sha256) as audio,
            scratch_folder(self._delivery.scratch) as folder,
        ):
            return self._stitch(_StitchInputs(task, analysis, video, audio, folder), context)

    def _stitch(self, inputs: _StitchInputs, context: Context) -> StitchResult:
        watch, task = Stopwatch(), inputs.task
        sheet = Sheet(inputs.analysis, task.chunks)
        with self._sound(inputs) as sound, watch.lap("paint_and_encode"):
            with naming(task.video.filename, "video"):
                repainted = self._paint(inputs, sheet, context)
            with naming(task.audio.filename, "audio"):
                track = sound.ready()
        with ThreadPoolExecutor(1, thread_name_prefix="beside") as beside:  # ffmpeg and the upload leave a core free
            drawn = beside.submit(sheet.draw, inputs.audio, task.audio.media.audio, task.plan)
            scored = beside.submit(self._scorer, inputs, repainted.opening_V, context.raise_if_canceled)
            with watch.lap("mux"):
                mux(inputs.picture, track, inputs.output, self._delivery.mux, task.plan)
            context.phase(Phase.VERIFYING)
            with watch.lap("verify"):
                given = given_sound(inputs.audio, task.audio.media, task.plan, sound.codec)
                cuts = [shot.start for shot in inputs.analysis.shots[1:]]
                check = prove(inputs.output, self._record(inputs), given, cuts)
            context.raise_if_canceled()
            with watch.lap("deliver"):
                stored = self._store.put_file(ids.output_key(task.job_id, ".mp4"), inputs.output)
                self._store.put_bytes(ids.preview_key(task.job_id), drawn.result(), "image/png")
                scores = scored.result()
        parts = ReceiptParts(
            task=task,
            analysis=inputs.analysis,
            check=check,
            stored=stored,
            sound_codec=sound.codec,
            scores=scores,
            passed_through=frozenset(repainted.broken),
            warnings=(
                *task.warnings,
                *sound.findings,
                *broken_mouths(repainted.broken, repainted.doubtful, inputs.analysis.video.fps),
                *scores.findings,
            ),
            seconds=watch.seconds,
        )
        return self._deliver_receipt(parts)

    def _deliver_receipt(self, parts: ReceiptParts) -> StitchResult:
        """Stores the receipt, the last of what is delivered."""
        task, receipt = parts.task, make_receipt(parts)
        self._store.put_bytes(ids.receipt_key(task.job_id), receipt.model_dump_json(indent=2).encode(), "application/json")
        return StitchResult(
            output_key=parts.stored.key,
            output_filename=master_name(task),
            receipt_key=ids.receipt_key(task.job_id),
            preview_key=ids.preview_key(task.job_id),
            receipt=receipt,
            warnings=receipt.warnings,
        )

    def _record(self, inputs: _StitchInputs) -> PictureRecord:
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

    def _paint(self, inputs: _StitchInputs, sheet: Sheet, context: Context) -> _Repainted:
        task, analysis = inputs.task, inputs.analysis
        size = STUDENTS[task.models.preset].crop
        reader = FrameReader(inputs.video, analysis.video, self._delivery.encode.threads)
        with (
            closing(self._open_detector()) as detector,
            MouthMeter(self._open_detector, analysis) as meter,
        ):
            painter = Painter(analysis.video, size, self._delivery.encode, meter, sheet)
            mouths = GeneratedMouths(self._store, detector).read(_crops_at(task), analysis, task.chunks, size)
            painter.paint(reader, mouths, inputs.picture, context)
        return _Repainted(meter.opening, painter.broken, painter.doubtful)

    def _sound(self, inputs: _StitchInputs) -> SoundWriter:
        info, settings = inputs.task.audio.media, self._delivery.mux
        return SoundWriter(inputs.audio, inputs.folder / "sound.mp4", info=info, plan=inputs.task.plan, settings=settings)


def _crops_at(task: StitchTask) -> dict[int, str]:
    """Where the generated mouths lie, by chunk; tasks of before an upgrade do not say it."""
    return {chunk.index: task.crops.get(chunk.index) or ids.chunk_key(task.job_id, chunk.index) for chunk in task.chunks}
