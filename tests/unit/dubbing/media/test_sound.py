import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from media_samples import Make, decoded_sound, ffmpeg
from places import HELPERS, ROOT

from dubbing.domain.media import AudioInfo, Box, SyncMode, SyncPlan
from dubbing.errors import NotAudio
from dubbing.media.frames import FrameReader
from dubbing.media.measure import measure_sound
from dubbing.media.mono import envelope, mono_samples, mono_windows, sound_level
from dubbing.media.preview import SheetColumn, SheetSound, contact_sheet, spread, tile, whole
from dubbing.media.probe import probe


def sound(path: Path) -> tuple[Path, AudioInfo]:
    return path, measure_sound(path)[0]


@pytest.mark.parametrize("name", ["a.wav", "a.m4a", "a.mp3", "a.opus"])
def test_windows_are_one_seamless_resampled_stream(noise: Make, make: Make, name: str) -> None:
    path = noise(name, samples=100_003)
    windows = list(mono_windows(*sound(path), 1_600))
    assert {len(w) for w in windows[:-1]} == {1_600}
    whole = np.concatenate(windows)
    assert len(whole) == mono_samples(100_003, 48_000) == 33_335
    other = decoded_sound(make("ref.wav", "-i", path, "-ar", 16_000, "-ac", 1, "-c:a", "pcm_f32le"))
    size = min(len(whole), len(other)) - 200
    assert np.corrcoef(whole[100:size], other[100:size])[0, 1] > 0.999
    assert np.array_equal(np.concatenate(list(mono_windows(*sound(path), 333))), whole)


def test_a_click_stays_on_its_sample(make: Make) -> None:
    path = make("click.wav", "-f", "lavfi", "-i", "aevalsrc='eq(n,24000)':s=48000:d=1")
    assert int(np.argmax(np.abs(np.concatenate(list(mono_windows(*sound(path), 1_600)))))) == 8_000


def test_stereo_keeps_its_level_in_mono(noise: Make) -> None:
    stereo = noise("s.wav", "-af", "pan=stereo|c0=c0|c1=c0")
    assert sound_level(*sound(stereo)).std == pytest.approx(sound_level(*sound(noise("m.wav"))).std, rel=0.01)


def test_the_plan_cuts_and_fills_to_the_sample(noise: Make) -> None:
    path = noise("a.wav", samples=48_000)
    cut = SyncPlan(mode=SyncMode.CUT_OFF, sample_rate=48_000, keep=30_001)
    assert sum(map(len, mono_windows(*sound(path), 777, cut))) == mono_samples(30_001, 48_000)
    plan = SyncPlan(mode=SyncMode.SILENCE, sample_rate=48_000, keep=48_000, pad=48_000)
    filled = np.concatenate(list(mono_windows(*sound(path), 777, plan)))
    assert len(filled) == 32_000
    assert np.abs(filled[16_200:]).max() == 0


def test_level_and_envelope_follow_the_sound(make: Make) -> None:
    path = make("a.wav", "-f", "lavfi", "-i", "sine=440:d=2:r=48000,volume='if(lt(t,1),0.1,1)':eval=frame")
    peaks = envelope(*sound(path), 10, mono_samples(96_000, 48_000))
    assert peaks[8] == pytest.approx(10 * peaks[1], rel=0.1)
    level = sound_level(*sound(path))
    assert (abs(level.mean) < 1e-3, level.samples, level.peak >= peaks.max()) == (True, 32_000, True)


def test_a_file_without_sound_is_named(clip: Make) -> None:
    with pytest.raises(NotAudio):
        measure_sound(clip("a.mp4"))


def test_the_contact_sheet_is_a_picture(clip: Make, noise: Make) -> None:
    path, track = clip("a.mp4"), sound(noise("s.wav"))
    video = probe(path).video
    frames = spread(range(50), 4)
    assert frames == [6, 18, 31, 43]
    plan = SyncPlan(mode=SyncMode.STRICT, sample_rate=48_000, keep=96_000)
    pictures = list(FrameReader(path, video).pick(frames))
    columns = [SheetColumn(picture.index, tile(picture, None), tile(picture, Box(50, 30, 64, 48))) for picture in pictures]
    wholes = (whole(pictures[0], video), whole(pictures[1], video))
    assert contact_sheet(video, columns, wholes, SheetSound(*track, plan)).startswith(b"\x89PNG")


# In a process of its own: how much a heap grows depends on all that was in it before.
_READ = """
import sys
from pathlib import Path
from dubbing.media.frames import FrameReader
from dubbing.media.mono import mono_windows
from dubbing.media.probe import probe
from memory import forget_peak, peak

path = Path(sys.argv[1])
info = probe(path)
reader = FrameReader(path, info.video)
sum(1 for _ in reader.read(0, 50))
forget_peak()
before = peak()
frames, samples = sum(1 for _ in reader.read()), sum(map(len, mono_windows(path, info.audio, 16_000)))
print(frames, samples, peak() - before)
"""


def test_a_long_title_is_read_in_flat_memory(tmp_path: Path) -> None:
    # Few large pictures and sound as it is: quickly made, and still many times the limit if somebody kept them.
    path, frames, seconds = tmp_path / "long.mkv", 480, 1200
    sources = (f"testsrc2=s=640x480:r=25:d={frames / 25}", f"sine=440:r=16000:d={seconds}")
    words = [word for source in sources for word in ("-f", "lavfi", "-i", source)]
    ffmpeg(*words, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "pcm_s16le", path)
    environ = os.environ | {"PYTHONPATH": f"{ROOT / 'shared'}:{HELPERS}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", _READ, path], check=True, capture_output=True, text=True, env=environ)
    *read, grown = map(int, done.stdout.split())
    assert read == [frames, seconds * 16_000]
    assert grown < 40 << 20, f"{grown >> 20} MB for 220 MB of pictures and 77 MB of sound"
