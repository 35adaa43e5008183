"""One stitch from crops to a delivered master, and what keeps a master from being delivered."""

import io
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import pytest
from drawn import CLOSED, speaker, written
from PIL import Image
from places import LANDMARKER
from wave_files import voices, write_wave
from worker_context import MemoryStore, RecordingContext

from dubbing import ids
from dubbing.domain.analysis import Analysis, TrackPath
from dubbing.domain.faces import Chunk, FaceTrack, Shot
from dubbing.domain.jobs import ModelPin, Models, Phase, Sync
from dubbing.domain.media import READING
from dubbing.domain.receipt import Receipt
from dubbing.domain.sync import check_pair
from dubbing.domain.work import Source, StitchResult, StitchTask
from dubbing.errors import Cancelled, ParityFailed
from dubbing.faces import landmarks as marks
from dubbing.faces.detector import MediaPipeDetector
from dubbing.media.crops import pack_crops
from dubbing.media.encode import EncodeSettings
from dubbing.media.mux import MuxSettings
from dubbing.media.probe import probe
from dubbing.media.witness.facts import Headers, read_picture
from dubbing.storage.sources import SourceCache
from dubbing.storage.store import sha256_of
from services.stitcher.scorer import Scorer
from services.stitcher.stitch import Delivery, Stitcher

FRAMES, SIDE = 12, 128
DUBBED = range(3, 9)
CHUNK = Chunk(index=0, track=0, shot=0, start=2, keep_from=DUBBED.start, end=DUBBED.stop)
PIN = ModelPin(name="model", digest="a" * 64)
OUTPUT = ids.output_key("job_1", ".mp4")


class StitchCase(NamedTuple):
    """What a stitcher finds: its store with sources, analysis and generated crops, its task, and the film."""

    store: MemoryStore
    task: StitchTask
    film: Path
    folder: Path

    def stitch(self, context: Any) -> StitchResult:
        store: Any = self.store
        delivery = Delivery(self.folder / "scratch", EncodeSettings(crf=4, preset="ultrafast"), MuxSettings())
        sources = SourceCache(store, self.folder / "sources", 1 << 30)
        return Stitcher(store, sources, lambda: MediaPipeDetector(LANDMARKER), delivery, Scorer())(self.task, context)


def pictures(frames: int) -> list[Any]:
    one = speaker(3)
    return [one.draw(one.pose(), CLOSED)] * frames


@pytest.fixture
def case(tmp_path: Path) -> StitchCase:
    """Twelve frames of a face, half of which a student has made green; half a second of a new sound."""
    store = MemoryStore()
    film, sound = tmp_path / "film.mp4", write_wave(tmp_path / "pt.wav", voices(1, FRAMES * 1920))
    video = written(film, pictures(FRAMES), qp=4).video
    with MediaPipeDetector(LANDMARKER) as detector:
        anchors = marks.anchors(detector.find(pictures(1)[0])[0].landmarks)
    track = FaceTrack(index=0, shot=0, start=1, end=11, size=60)
    path = TrackPath(track=track, anchors=(tuple(anchors.ravel().tolist()),) * 10, opening=(0.1,) * 10)
    analysis = Analysis(video=video, shots=(Shot(index=0, start=0, end=FRAMES),), paths=(path,), chunks=(CHUNK,))
    store.put_bytes("analysis.json", analysis.model_dump_json().encode())
    green = np.tile(np.uint8([40, 200, 60]), (len(DUBBED), SIDE, SIDE, 1))
    store.put_bytes(ids.chunk_key("job_1", 0), pack_crops(green))
    picture, words = (_source(store, file) for file in (film, sound))
    task = StitchTask(
        job_id="job_1", video=picture, audio=words, sync=Sync(), plan=check_pair(picture.media, words.media), seed=7,
        models=Models(preset="tiny", demo=True, student=PIN, face_encoder=PIN, speech_encoder=PIN),
        analysis_key="analysis.json", chunks=(CHUNK,),
    )  # fmt: skip
    return StitchCase(store, task, film, tmp_path)


def _source(store: MemoryStore, path: Path) -> Source:
    store.put_file(path.name, path)
    return Source(asset_id=f"ast_{path.stem}", key=path.name, filename=path.name, sha256=sha256_of(path), media=probe(path))


def changed(film: Path, master: bytes) -> list[int]:
    """The frames of a master that differ from the film's."""
    shown: list[list[Any]] = []
    for file in (str(film), io.BytesIO(master)):
        with av.open(file) as container:
            shown.append([frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)])
    return [i for i, (a, b) in enumerate(zip(*shown, strict=True)) if np.abs(a - b).mean() > 0.5]


def test_a_master_is_painted_proved_delivered_and_told_of(case: StitchCase) -> None:
    context = RecordingContext()
    result = case.stitch(context)
    assert (result.output_key, result.output_filename) == (OUTPUT, "film.pt.mp4")
    assert changed(case.film, case.store.objects[OUTPUT]) == list(DUBBED)
    receipt = Receipt.model_validate_json(case.store.objects[result.receipt_key])
    assert receipt == result.receipt
    assert [(part.start, part.end) for part in receipt.touched] == [(DUBBED.start, DUBBED.stop)]
    assert (receipt.output_video.frames, receipt.parity.frames_out) == (FRAMES, FRAMES)
    assert (receipt.output_audio.samples, receipt.parity.samples_out) == (FRAMES * 1920, FRAMES * 1920)
    assert (receipt.seed, receipt.plan) == (7, case.task.plan)
    assert set(receipt.timings) == {"paint_and_encode", "mux", "verify", "deliver"}
    assert result.preview_key is not None
    assert Image.open(io.BytesIO(case.store.objects[result.preview_key])).format == "PNG"
    assert (context.phases, context.progressed) == ([Phase.VERIFYING], [(i + 1, FRAMES) for i in range(FRAMES)])
    assert list((case.folder / "scratch").iterdir()) == []


def test_a_master_is_compared_with_what_the_second_reading_saw_of_its_source(case: StitchCase) -> None:
    other = case.folder / "other.mp4"
    written(other, pictures(FRAMES - 1))
    record = read_picture(Headers.of(other), 1).record
    assert record is not None
    case.store.put_bytes(ids.record_key(case.task.video.sha256, READING, 1), record.pack())
    with pytest.raises(ParityFailed):
        case.stitch(RecordingContext())
    assert OUTPUT not in case.store.objects


def test_a_job_that_is_canceled_while_it_is_proved_gets_no_master(case: StitchCase) -> None:
    class Canceled(RecordingContext):
        def raise_if_canceled(self) -> None:
            if self.phases:
                raise Cancelled("No job wants this work any more.")

    with pytest.raises(Cancelled):
        case.stitch(Canceled())
    assert OUTPUT not in case.store.objects
