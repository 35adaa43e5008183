"""One line of a track is changed: its shot is generated again, and every other frame of the master is the one before."""

import wave
from collections.abc import Generator
from pathlib import Path

import av
import numpy as np
import pytest
from film import RATE, Film, ffmpeg, write_wav
from numpy.typing import NDArray
from pipeline import Pipeline

from dubbing.domain.work import InferTask, StitchTask
from dubbing.inference.engine import UNWATCHED, ChunkRequest, GeneratedBlock, SpeechWindow, Watch
from dubbing.inference.passthrough import PassthroughEngine
from dubbing.settings import S3Settings
from dubbing.storage.s3 import S3Store

pytestmark = [pytest.mark.stack, pytest.mark.slow]


class LoudIsBright(PassthroughEngine):
    """Crops are brighter the louder the sound is around their frame: what is generated follows from it, and from the level."""

    def encode_speech(self, window: SpeechWindow, watch: Watch = UNWATCHED) -> NDArray[np.float16]:
        features = super().encode_speech(window, watch)
        for frame, time in enumerate(window.frame_times_V):
            heard = window.waveform_S[max(0, int((time - 1) * 16_000)) : int((time + 1) * 16_000)]
            features[frame] = np.abs(heard - window.level[0]).mean() / window.level[1]
        return features

    def generate(self, request: ChunkRequest, watch: Watch = UNWATCHED) -> Generator[GeneratedBlock]:
        done = 0
        for block in super().generate(request, watch):
            loud = request.speech_VA[done : done + len(block.frames_VHWC), 0].astype(np.float64)
            done += len(block.frames_VHWC)
            brighter = block.frames_VHWC + 40 * loud[:, None, None, None]
            yield GeneratedBlock(np.clip(brighter, 0, 255).astype(np.uint8), block.digest)


def two_shots(film: Film, folder: Path) -> Path:
    """The film, a cut, and the film once more in a mirror and brighter."""
    path = folder / "two.mp4"
    cut = "[0:v]split[a][b];[b]hflip,eq=brightness=0.25[c];[a][c]concat"
    ffmpeg("-i", film.video, "-filter_complex", cut, "-c:v", "libx264", "-preset", "ultrafast", "-crf", 12, path)
    return path


def two_tracks(film: Film, folder: Path) -> tuple[Path, Path]:
    """The track twice; and the same, whose last tenth of a second another one fills."""
    with wave.open(str(film.track)) as file:
        samples = np.tile(np.frombuffer(file.readframes(file.getnframes()), "<i2"), 2)
    other = samples.copy()
    other[-RATE // 10 :] = samples[: RATE // 10] + 300
    return write_wav(folder / "one.wav", samples), write_wav(folder / "other.wav", other)


def decoded(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray() for frame in container.decode(video=0)]


def test_shots_that_keep_the_original_picture_are_not_painted_even_if_all_do(
    film: Film, s3_settings: S3Settings, tmp_path: Path
) -> None:
    pipeline = Pipeline(S3Store(s3_settings), tmp_path, LoudIsBright)
    picture, (track, _) = two_shots(film, tmp_path), two_tracks(film, tmp_path)
    touched = [
        pipeline.render(picture, track, f"job_{len(kept)}", kept_shots=frozenset(kept)).receipt.touched
        for kept in ({0}, {0, 1})
    ]
    assert touched[0]
    assert min(part.start for part in touched[0]) >= film.frames
    assert touched[1] == ()


def test_a_changed_line_changes_its_shot_and_nothing_else_of_the_master(
    film: Film, s3_settings: S3Settings, tmp_path: Path
) -> None:
    pipeline = Pipeline(S3Store(s3_settings), tmp_path, LoudIsBright)
    picture, (one, other) = two_shots(film, tmp_path), two_tracks(film, tmp_path)
    masters = [
        decoded(pipeline.fetch(pipeline.render(picture, one, "job_one"), tmp_path)),
        decoded(pipeline.fetch(pipeline.render(picture, other, "job_other", "job_one"), tmp_path)),
    ]
    before, after = (
        [spec.payload for spec in pipeline.specs[job] if isinstance(spec.payload, InferTask)]
        for job in ("job_one", "job_other")
    )
    kept = [task.chunk for task in after if task in before]
    assert {chunk.shot for chunk in kept} == {0}, "the sound of the first shot is the same"
    assert {task.chunk.shot for task in after if task not in before} == {1}
    differ = [frame for frame, (was, now) in enumerate(zip(*masters, strict=True)) if not np.array_equal(was, now)]
    assert differ
    assert min(differ) >= film.frames
    (stitched,) = (spec.payload for spec in pipeline.specs["job_other"] if isinstance(spec.payload, StitchTask))
    crops = [pipeline.store.get_bytes(stitched.crops[chunk.index]) for chunk in kept]
    assert crops == [pipeline.store.get_bytes(task.output_key) for task in before if task.chunk in kept]
