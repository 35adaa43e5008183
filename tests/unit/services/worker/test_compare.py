"""Where a new track sounds otherwise than the one before: what changed, and what is within reach of it."""

import wave
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from worker_context import RecordingContext

from dubbing.domain.media import MediaInfo, VideoInfo
from dubbing.domain.work import CompareResult, CompareTask, LaidSound, Source
from dubbing.media.probe import probe
from dubbing.storage.store import sha256_of
from services.worker.compare import CompareHandler

RATE, SECONDS, FPS = 16_000, 20, Fraction(25)
FRAMES = int(SECONDS * FPS)
WHOLE = [(0, FRAMES)]
Samples = NDArray[np.int16]


class Files:
    """Files by key."""

    def __init__(self, **files: Path) -> None:
        self._files = files

    @contextmanager
    def open(self, key: str, sha256: str) -> Iterator[Path]:
        del sha256
        yield self._files[key]


def speech() -> Samples:
    return np.random.default_rng(1).integers(-9000, 9000, SECONDS * RATE, np.int16)


def written(path: Path, samples: Samples) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return path


def compared(
    folder: Path, old: Samples, new: Samples, after: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0)), **members: Any
) -> CompareResult:
    files = {name: written(folder / f"{name}.wav", samples) for name, samples in (("old", old), ("new", new))}
    laid = {
        name: LaidSound(
            source=Source(asset_id=name, key=name, filename=f"{name}.wav", sha256=sha256_of(path), media=probe(path, "audio")),
            lead=0,
            picture_after=picture_after,
        )
        for (name, path), picture_after in zip(files.items(), after, strict=True)
    }
    video = VideoInfo(codec="h264", width=64, height=64, fps=FPS, frames=FRAMES, pixel_format="yuv420p")
    film = MediaInfo(container="mp4", size_bytes=1, video=video)
    picture = Source(asset_id="film", key="film", filename="film.mp4", sha256="1" * 64, media=film)
    task = CompareTask(sound=laid["new"], base=laid["old"], video=picture, **{"level": None, **members})
    return CompareHandler(Files(**files))(task, RecordingContext())  # type: ignore[arg-type]


def ranges(result: CompareResult) -> list[tuple[int, int]]:
    return [(part.start, part.end) for part in result.changed]


def test_a_changed_line_reaches_three_seconds_to_both_sides(tmp_path: Path) -> None:
    new = speech()
    new[10 * RATE : 11 * RATE] = new[10 * RATE : 11 * RATE][::-1]
    # 10 s is frame 250, and 3 s are 75 frames; the frame that is still shown 3 s before is reached too.
    assert ranges(compared(tmp_path, speech(), new)) == [(175, 350)]


def test_two_changed_lines_far_apart_are_two_places(tmp_path: Path) -> None:
    new = speech()
    new[100] += 500
    new[15 * RATE] += 500
    assert ranges(compared(tmp_path, speech(), new)) == [(0, 76), (300, 451)]


def test_new_dither_is_no_change_and_twice_as_much_as_is_heard_is_one(tmp_path: Path) -> None:
    dithered = speech() + np.random.default_rng(2).integers(-2, 3, SECONDS * RATE, np.int16)
    assert ranges(compared(tmp_path, speech(), dithered)) == []
    louder = speech()
    louder[5 * RATE] += 8  # 2^-12 of full scale
    assert ranges(compared(tmp_path, speech(), louder)) == [(50, 201)]


def test_the_level_is_the_earlier_one_whatever_the_new_track_measures(tmp_path: Path) -> None:
    new = speech()
    new[:RATE] //= 2
    other = speech()
    other[0] += 500
    old = compared(tmp_path, speech(), other).level
    assert old is not None
    assert old[1] == pytest.approx(9000 / 3**0.5 / 2**15, rel=0.01)
    assert compared(tmp_path, speech(), new).level == old
    assert compared(tmp_path, speech(), new, level=(0.0, 0.15)).level == (0.0, 0.15)


def test_the_same_file_laid_alike_is_not_read_and_keeps_its_own_level(tmp_path: Path) -> None:
    path = written(tmp_path / "old.wav", speech())
    source = Source(asset_id="old", key="gone", filename="old.wav", sha256="0" * 64, media=probe(path, "audio"))
    laid = LaidSound(source=source, lead=0, picture_after=Fraction(0))
    task = CompareTask(sound=laid, base=laid, video=source, level=None)
    nothing: Any = Files()
    assert CompareHandler(nothing)(task, RecordingContext()) == CompareResult(changed=(), level=None)  # type: ignore[arg-type]


@pytest.mark.parametrize(("gain", "says"), [(1.2, "1.6 dB louder"), (0.8, "1.9 dB quieter")])
def test_a_track_more_than_one_decibel_away_is_told_and_rendered_whole_at_its_own_level(
    tmp_path: Path, gain: float, says: str
) -> None:
    found = compared(tmp_path, speech(), (speech() * gain).astype(np.int16))
    assert (ranges(found), found.level) == (WHOLE, None)
    assert [finding.code for finding in found.findings] == ["level_changed"]
    assert says in found.findings[0].detail


def test_less_than_one_decibel_is_another_sound_at_the_same_level_and_nothing_is_told(tmp_path: Path) -> None:
    found = compared(tmp_path, speech(), (speech() * 1.05).astype(np.int16))
    assert (ranges(found), found.findings) == (WHOLE, ())
    assert found.level is not None


def test_what_one_track_has_beyond_the_end_of_the_other_is_compared_with_silence(tmp_path: Path) -> None:
    shorter = speech()[: 18 * RATE]
    assert ranges(compared(tmp_path, speech(), shorter)) == [(375, FRAMES)]
    quiet = speech()
    quiet[18 * RATE :] = 0
    assert ranges(compared(tmp_path, quiet, shorter)) == []


def test_tracks_that_lie_otherwise_to_the_picture_are_compared_where_they_lie(tmp_path: Path) -> None:
    later = np.concatenate([np.zeros(RATE, np.int16), speech()])
    assert ranges(compared(tmp_path, speech(), later[: SECONDS * RATE], (Fraction(0), Fraction(1)))) == [(400, FRAMES)]
    assert ranges(compared(tmp_path, speech(), speech(), (Fraction(0), Fraction(1, 3)))) == WHOLE
