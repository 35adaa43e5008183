import wave
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from worker_context import MemoryStore, RecordingContext

from dubbing import ids
from dubbing.domain.jobs import ModelPin
from dubbing.domain.media import MediaInfo, VideoInfo
from dubbing.domain.work import EncodeSpeechTask, Source
from dubbing.inference.engine import UNWATCHED, SpeechWindow, Watch
from dubbing.inference.passthrough import PassthroughEngine
from dubbing.inference.speech import FRAMES
from dubbing.media.probe import probe
from services.worker.encode_speech import EncodeSpeechHandler
from services.worker.engines import Engines
from services.worker.latents import load_speech

RATE = 16_000


class Listening(PassthroughEngine):
    """Features that say when each frame is shown, in units of 1/64 s, and the windows that were asked for."""

    def __init__(self) -> None:
        super().__init__("tiny")
        self.windows: list[SpeechWindow] = []

    def encode_speech(self, window: SpeechWindow, watch: Watch = UNWATCHED) -> np.ndarray:  # noqa: ARG002 - the protocol's
        self.windows.append(window)
        return window.frame_times_V[:, None].astype(np.float16)


class Local:
    """The one file that there is."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def open(self, key: str, sha256: str) -> Iterator[Path]:
        assert (key, sha256) == ("track", "0" * 64)
        yield self._path


def track(folder: Path, seconds: int) -> Path:
    path = folder / "track.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(RATE)
        file.writeframes(np.random.default_rng(1).integers(-9000, 9000, seconds * RATE, np.int16).tobytes())
    return path


def encoded(path: Path, fps: Fraction, frames: int, **laid: Any) -> tuple[Listening, MemoryStore, RecordingContext]:
    sound = Source(asset_id="ast_1", key="track", filename="track.wav", sha256="0" * 64, media=probe(path, "audio"))
    video = VideoInfo(codec="h264", width=64, height=64, fps=fps, frames=frames, pixel_format="yuv420p")
    film = MediaInfo(container="mp4", size_bytes=1, video=video)
    picture = Source(asset_id="ast_2", key="film", filename="film.mp4", sha256="1" * 64, media=film)
    pin = ModelPin(name="speech_encoder_tiny", digest="0" * 64)
    task = EncodeSpeechTask(source=sound, video=picture, preset="tiny", encoder=pin, speech_prefix="speech/", **laid)
    engine, store, context = Listening(), MemoryStore(), RecordingContext()
    result = EncodeSpeechHandler(store, Local(path), Engines(lambda *_: engine))(task, context)  # type: ignore[arg-type]
    assert result.frames == frames
    return engine, store, context


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(4)])
def test_every_stored_window_holds_its_600_frames_however_many_requests_they_took(tmp_path: Path, fps: Fraction) -> None:
    frames = FRAMES + 40
    engine, store, context = encoded(track(tmp_path, int(frames / fps)), fps, frames)
    assert (len(engine.windows) > 2) == (fps == 4)
    stored = [load_speech(store, ids.speech_window_key("speech/", number)) for number in (0, 1)]  # type: ignore[arg-type]
    assert sorted(store.objects) == [ids.speech_window_key("speech/", number) for number in (0, 1)]
    assert [len(features) for features in stored] == [FRAMES, 40]
    assert context.progressed[-1] == (frames, frames)


def test_silence_before_the_track_and_a_late_picture_are_part_of_what_is_heard(tmp_path: Path) -> None:
    path = track(tmp_path, 3)
    (window,) = encoded(path, Fraction(25), 75, lead=RATE // 2, picture_after=Fraction(3, 4))[0].windows
    assert window.frame_times_V[0] == pytest.approx(0.75)
    assert len(window.waveform_S) == 3 * RATE + RATE // 2
    assert not window.waveform_S[: RATE // 2 - 16].any()
    assert window.waveform_S[RATE // 2 + 16 :].std() > 0.1
    assert window.level[1] == pytest.approx(window.waveform_S.std(), rel=1e-4)
