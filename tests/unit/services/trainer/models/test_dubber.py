"""A big student is driven as the server drives it: the same encoders, the same level of the sound, the same frames."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from shrunken_models import CONTRACT, PRESET, shrunken, write_encoders, write_student

from dubbing.inference.engine import ChunkRequest, SpeechWindow
from dubbing.inference.in_process import InProcessEngine
from lipforcing.contract import frames_of
from services.trainer.common.timing import MARGIN, frame_times
from services.trainer.models.dubber import Dubber

FRAMES = frames_of(2)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("models")
    write_student(folder, {"encoders": write_encoders(folder)})
    with shrunken():
        yield folder


def test_a_big_student_makes_here_what_the_product_makes_of_it(repository: Path) -> None:
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (FRAMES, CONTRACT.crop, CONTRACT.crop, 3), np.uint8)
    sound = (rng.normal(400, 3_000, FRAMES * 640 + 2 * MARGIN)).astype(np.int16)
    times = frame_times(FRAMES)
    dubber, engine = Dubber(repository, PRESET), InProcessEngine(repository, PRESET)
    wave = sound.astype(np.float32) / 32_768.0
    heard = dubber.listen(sound, times)
    assert heard.shape == (FRAMES, CONTRACT.speech_features)
    window = SpeechWindow(wave, times, (float(wave.mean()), float(wave.std())))
    wanted = engine.encode_speech(window)
    assert np.array_equal(heard, wanted)
    assert not np.array_equal(heard, engine.encode_speech(SpeechWindow(wave, times, (0.0, 1.0))))
    latents = engine.encode_faces(crops)
    frames = np.concatenate([b.frames_VHWC for b in engine.generate(ChunkRequest(3, 0, 1, latents, wanted))])
    made = dubber.speak(crops, heard, seed=3)
    assert made.shape == frames.shape == crops.shape
    assert np.abs(made.astype(int) - frames).max() <= 2  # one clip whole and block by block round otherwise
    assert not np.array_equal(made, dubber.speak(crops, dubber.listen(np.zeros_like(sound), times), seed=3))
