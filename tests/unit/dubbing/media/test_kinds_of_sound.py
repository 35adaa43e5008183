"""Sound of every kind, from track to master: channel for channel, unfiltered, and everything that was chosen or lost told."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import av
import imageio_ffmpeg
import numpy as np
import pytest
from media_delivery import Delivery
from media_samples import Make
from numpy.typing import NDArray
from wave_files import voices, write_wave

from dubbing.domain.media import SoundChoice
from dubbing.errors import (
    BadInput,
    InvalidSamples,
    NoSuchTrack,
    TruncatedMedia,
    UnsupportedChannels,
)
from dubbing.media.mux import MuxSettings
from dubbing.media.proof import prove
from dubbing.media.read_audio import read_audio

LAYOUTS = [
    "mono",
    "stereo",
    "2.1",
    "3.0",
    "4.0",
    "quad",
    "5.0",
    "5.1",
    "5.1(side)",
    "6.1",
    "6.1(back)",
    "7.0",
    "7.1",
    "7.1(wide)",
]


class Case(NamedTuple):
    """A track, what is chosen of it, the samples that must be delivered, and what must be told."""

    make: Callable[[Path, Make], Path]
    wanted: Callable[[], NDArray[np.generic]]
    findings: tuple[str, ...] = ()
    choice: SoundChoice = SoundChoice()


def one_of_two(default: int) -> Callable[[Path, Make], Path]:
    """Two mono tracks; number ``default`` (from 1) is marked as the file's default."""

    def make(folder: Path, make: Make) -> Path:
        first, second = (write_wave(folder / f"{n}.wav", voices(2)[:, n : n + 1]) for n in (0, 1))
        flags = [word for n in (1, 2) for word in (f"-disposition:a:{n - 1}", "default" if n == default else "0")]
        words = ("-i", first, "-i", second, "-map", "0:a", "-map", "1:a", "-c:a", "alac", *flags)
        return make("two.m4a", *words)

    return make


def four_mono(folder: Path, make: Make) -> Path:
    paths = [write_wave(folder / f"{n}.wav", voices(4)[:, n : n + 1]) for n in range(4)]
    inputs = [word for path in paths for word in ("-i", path)]
    maps = [word for n in range(4) for word in ("-map", f"{n}:a")]
    return make("four.mov", *inputs, *maps, "-c:a", "pcm_s16le")


def unmasked(channels: int) -> Callable[[Path, Make], Path]:
    return lambda folder, _: write_wave(folder / "plain.wav", voices(channels))


def hot(folder: Path, _: Make) -> Path:
    return write_wave(folder / "hot.wav", loud())


def loud() -> NDArray[np.float32]:
    return (voices(2).astype(np.float32) / 1000).round(3)


CASES = {
    "the file's default, which is not its first track": Case(one_of_two(2), lambda: voices(2)[:, 1:2], ("sound_chosen",)),
    "another track, by choice": Case(one_of_two(2), lambda: voices(2)[:, :1], choice=SoundChoice(tracks=(1,))),
    "mono tracks of one production": Case(four_mono, lambda: voices(4), ("sound_joined", "layout_unknown")),
    "channels by choice, in another order": Case(
        unmasked(6), lambda: voices(6)[:, [4, 1]], choice=SoundChoice(channels=(5, 2))
    ),
    "six channels without a mask": Case(unmasked(6), lambda: voices(6), ("layout_unknown",)),
    "peaks above full scale": Case(hot, loud),
}


@pytest.mark.parametrize("kind", CASES)
def test_what_is_chosen_is_delivered_sample_for_sample_and_told(kind: str, clip: Make, make: Make, tmp_path: Path) -> None:
    case = CASES[kind]
    made = Delivery(clip("a.mp4"), case.make(tmp_path, make), choice=case.choice)
    assert prove(made.out, made.record, made.given, ()).sound.exact
    wanted = case.wanted()
    assert np.array_equal(samples(made.out, wanted), wanted)
    assert tuple(made.codes) == case.findings


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_arrives_channel_for_channel_and_by_its_name(layout: str, clip: Make, make: Make, tmp_path: Path) -> None:
    channels = av.AudioLayout(layout).nb_channels
    plain = write_wave(tmp_path / "plain.wav", voices(channels))
    named = make("named.wav", "-ch_layout", layout, "-i", plain, "-c:a", "pcm_s16le")
    made = Delivery(clip("a.mp4"), named)
    assert prove(made.out, made.record, made.given, ()).sound.exact
    assert np.array_equal(samples(made.out, voices(channels)), voices(channels))
    with av.open(str(made.out)) as container:
        found = container.streams.audio[0].layout.name
    assert (found == layout) or (layout == "mono" and found == "1 channels")
    assert made.codes == []


def test_eight_planar_channels_do_not_end_the_process(clip: Make, make: Make, tmp_path: Path) -> None:
    plain = write_wave(tmp_path / "plain.wav", voices(8))
    coded = make("seven.m4a", "-ch_layout", "7.1", "-i", plain, "-c:a", "aac", "-b:a", "1M")
    made = Delivery(clip("a.mp4"), coded)
    assert prove(made.out, made.record, made.given, ()).reading.channels == 8


def test_float_samples_are_told_where_bits_are_lost(clip: Make, tmp_path: Path) -> None:
    made = Delivery(clip("a.mp4"), write_wave(tmp_path / "float.wav", voices(1).astype(np.float32) / 32768 / 3))
    assert prove(made.out, made.record, made.given, ()).sound.worst < 2.0**-22
    assert made.codes == ["sound_depth_reduced"]


def test_a_lossy_codec_is_used_only_where_asked_for_and_known_and_is_told(clip: Make, tmp_path: Path) -> None:
    asked = MuxSettings(sound="aac")
    stereo = Delivery(clip("a.mp4"), write_wave(tmp_path / "two.wav", voices(2)), settings=asked)
    assert prove(stereo.out, stereo.record, stereo.given, ()).sound.samples == 96_000
    assert stereo.codes == ["sound_lossy"]
    six = Delivery(clip("b.mp4"), write_wave(tmp_path / "six.wav", voices(6)), settings=asked)
    assert prove(six.out, six.record, six.given, ()).sound.exact
    assert six.codes == ["layout_unknown"]


def test_silence_is_told(clip: Make, tmp_path: Path) -> None:
    made = Delivery(clip("a.mp4"), write_wave(tmp_path / "silent.wav", np.zeros((96_000, 1), np.int16)))
    assert made.codes == ["sound_silent"]


@pytest.mark.parametrize(
    ("channels", "choice", "error", "words"),
    [
        (16, SoundChoice(), UnsupportedChannels, "16 channels"),
        (16, SoundChoice(channels=(17,)), NoSuchTrack, "no channel 17"),
        (2, SoundChoice(tracks=(3,)), NoSuchTrack, "no sound track 3"),
    ],
)
def test_what_cannot_be_carried_or_does_not_exist_is_refused_by_number(
    channels: int, choice: SoundChoice, error: type[BadInput], words: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=words):
        read_audio(write_wave(tmp_path / "many.wav", voices(channels)), choice)


def test_some_of_too_many_channels_can_be_chosen(tmp_path: Path) -> None:
    found = read_audio(write_wave(tmp_path / "many.wav", voices(16)), SoundChoice(channels=(9, 10))).media.audio
    assert found is not None
    assert (found.channels, found.picked, found.layout) == (2, (9, 10), "stereo")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_no_number_is_named(value: float, tmp_path: Path) -> None:
    broken = np.zeros((48_000, 2), np.float32)
    broken[30_000, 1] = value
    with pytest.raises(InvalidSamples) as refused:
        read_audio(write_wave(tmp_path / "broken.wav", broken))
    assert refused.value.where == {"stream": "audio", "channel": 2, "sample": 30_000, "time": "0:00.625"}


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])


def scratched(path: Path) -> None:
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 1500] = np.random.default_rng(3).bytes(1500)
    path.write_bytes(data)


# Scratched PCM is not here: any bytes are samples, and nothing in the file says what they were.
DAMAGED = [("a.wav", cut), *((name, how) for name in ("a.flac", "a.mp3", "a.m4a", "a.mka") for how in (cut, scratched))]


@pytest.mark.parametrize(("name", "damage"), DAMAGED)
def test_damage_is_named_as_damage_with_its_time(name: str, damage: Callable[[Path], None], noise: Make) -> None:
    coded = {"a.m4a": ("-c:a", "aac", "-movflags", "+faststart"), "a.mka": ("-c:a", "flac")}.get(name, ())
    path = noise(name, *coded)
    damage(path)
    with pytest.raises(TruncatedMedia) as refused:
        read_audio(path)
    assert refused.value.where["time"]


def samples(master: Path, like: NDArray[np.generic]) -> NDArray[np.generic]:
    """The master's samples as the ffmpeg program gives them, in the type of ``like``."""
    raw = {"int16": "s16le", "float32": "f32le"}[like.dtype.name]
    words = ["-v", "error", "-i", str(master), "-map", "0:a:0", "-c:a", f"pcm_{raw}", "-f", raw, "-"]
    done = subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), *words], capture_output=True, check=True)
    return np.frombuffer(done.stdout, like.dtype).reshape(-1, like.shape[1])
