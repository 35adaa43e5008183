"""Every comparison of the second reading is seen to fail: on a master that was spoiled, or a first reading that was."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from media_delivery import Delivery
from media_samples import Make, ffmpeg
from wave_files import voices, write_wave

from dubbing.errors import DublineError, ParityFailed, ReadingsDiffer
from dubbing.media import read_audio as audio_module
from dubbing.media import read_video as video_module
from dubbing.media.index import FrameIndex
from dubbing.media.measure import measure_sound
from dubbing.media.probe import ProbedPicture, probe_picture
from dubbing.media.proof import prove
from dubbing.media.witness.compare import compare_times
from dubbing.media.witness.facts import PictureRecord

CUT = 25
TAGS = "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    """Two seconds with a cut in the middle, and another sound on each of two channels; nobody may change its files."""
    folder = tmp_path_factory.mktemp("made")
    shots = f"testsrc2=s=128x72:r=25:d=1,{TAGS}[a];smptebars=s=128x72:r=25:d=1,{TAGS}[b];[a][b]concat=n=2"
    words = ("-f", "lavfi", "-i", shots, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    ffmpeg(*words, folder / "source.mp4")
    return Delivery(folder / "source.mp4", write_wave(folder / "two.wav", voices(2)))


def test_a_master_holds_as_it_was_made(made: Delivery) -> None:
    prove(made.out, made.record, made.given, (CUT,))


class Spoiled(NamedTuple):
    """How a master is spoiled (words for ffmpeg between its input and its output), and the fact that must be named."""

    words: tuple[object, ...]
    fact: str
    frame: int | None = None


X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", 4)
COPY = ("-c:a", "copy", *X264)
SPOILED = {
    "a frame is missing at the end": Spoiled(("-vf", "trim=end_frame=49", *COPY), "frames", 49),
    "a frame is missing and the rest moved up": Spoiled(("-vf", "select='not(eq(n,10))',setpts=N/25/TB", *COPY), "frames", 49),
    "one frame is 10 ms late": Spoiled(
        ("-vf", "settb=1/1000,setpts=N*40+10*eq(N\\,20)", "-fps_mode", "passthrough", "-enc_time_base", "1/1000", *COPY),
        "times",
        20,
    ),
    "every frame drifts": Spoiled(
        ("-vf", "settb=1/90000,setpts=N*90000/24.98", "-fps_mode", "passthrough", "-enc_time_base", "1/90000", *COPY), "times"
    ),
    "the cut comes a frame early": Spoiled(
        ("-vf", "select='not(eq(n,10))',tpad=stop_mode=clone:stop=1,setpts=N/25/TB", *COPY), "pixels", CUT - 1
    ),
    "another picture": Spoiled(("-vf", "negate", *COPY), "pixels", 0),
    "another size": Spoiled(("-vf", "scale=120:72,setsar=1", *COPY), "size"),
    "other pixels": Spoiled(("-vf", "setsar=4/3", *COPY), "sample aspect ratio"),
    "other colours": Spoiled(("-vf", "setparams=colorspace=smpte170m", *COPY), "matrix"),
    "a sample is missing": Spoiled(("-c:v", "copy", "-af", "atrim=end_sample=95999", "-c:a", "flac"), "samples"),
    "another rate": Spoiled(("-c:v", "copy", "-ar", 44_100, "-c:a", "flac"), "sample rate"),
    "a channel is missing": Spoiled(("-c:v", "copy", "-ac", 1, "-c:a", "flac"), "channels"),
    "channels are swapped": Spoiled(("-c:v", "copy", "-af", "pan=stereo|c0=c1|c1=c0", "-c:a", "flac"), "sound"),
    "the sound is softer": Spoiled(("-c:v", "copy", "-af", "volume=0.99", "-c:a", "flac"), "sound"),
    "the sound comes late": Spoiled(("-c:v", "copy", "-af", "adelay=5:all=1,atrim=end_sample=96000", "-c:a", "flac"), "sound"),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_spoiled_master_is_not_delivered_and_what_is_wrong_is_named(how: str, made: Delivery, make: Make) -> None:
    case = SPOILED[how]
    spoiled = make("spoiled.mp4", "-i", made.out, *case.words)
    with pytest.raises(ParityFailed) as refused:
        prove(spoiled, made.record, made.given, (CUT,))
    assert case.fact in refused.value.media["differences"]
    if case.frame is not None:
        assert refused.value.where["frame"] == case.frame


@pytest.mark.parametrize("words", [("-display_rotation", 90), ("-display_hflip",)])
def test_a_turned_or_mirrored_master_is_named(words: tuple[object, ...], made: Delivery, make: Make) -> None:
    turned = make("turned.mp4", *words, "-i", made.out, "-c", "copy")
    with pytest.raises(ParityFailed) as refused:
        prove(turned, made.record, made.given, ())
    assert "orientation" in refused.value.media["differences"]


@pytest.mark.parametrize(("stream", "fact"), [("v", "start of the picture"), ("a", "start of the sound")])
def test_a_picture_or_a_sound_that_starts_late_in_the_master_is_named(
    stream: str, fact: str, made: Delivery, make: Make
) -> None:
    others = "a" if stream == "v" else "v"
    words = ("-itsoffset", 0.02, "-i", made.out, "-i", made.out, "-map", f"0:{stream}", "-map", f"1:{others}", "-c", "copy")
    with pytest.raises(ParityFailed) as refused:
        prove(make("late.mp4", *words), made.record, made.given, ())
    assert fact in refused.value.media["differences"]


def test_a_damaged_master_is_named(made: Delivery, tmp_path: Path) -> None:
    data, damaged = bytearray(made.out.read_bytes()), tmp_path / "damaged.mp4"
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    damaged.write_bytes(data)
    with pytest.raises(ParityFailed):
        prove(damaged, made.record, made.given, ())


Spoil = Callable[[ProbedPicture], ProbedPicture]


def moved(frame: int) -> Spoil:
    def spoil(found: ProbedPicture) -> ProbedPicture:
        ticks = found.frames.ticks.copy()
        ticks[frame] += (ticks[1] - ticks[0]) // 3
        return found._replace(frames=FrameIndex(**{**vars(found.frames), "ticks": ticks, "rate": None}))

    return spoil


def shortened(found: ProbedPicture) -> ProbedPicture:
    index = FrameIndex(**{**vars(found.frames), "ticks": found.frames.ticks[:-1]})
    return found._replace(frames=index, info=found.info.model_copy(update={"frames": len(index)}))


def changed(**facts: object) -> Spoil:
    return lambda found: found._replace(info=found.info.model_copy(update=facts))


@pytest.mark.parametrize(
    ("spoil", "fact", "frame"),
    [
        (shortened, "frames", 49),
        (moved(17), "times", 17),
        (changed(width=126), "size", None),
        (changed(rotation=180), "orientation", None),
        (changed(track=2), "track", None),
    ],
)
def test_a_wrong_first_reading_is_not_believed(
    spoil: Spoil, fact: str, frame: int | None, clip: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_module, "probe_picture", lambda path, wanted: spoil(probe_picture(path, wanted)))
    with pytest.raises(ReadingsDiffer) as refused:
        video_module.read_video(clip("a.mp4"))
    assert [one["fact"] for one in refused.value.media["witness"]["differences"]] == [fact]
    if frame is not None:
        assert refused.value.where["frame"] == frame


@pytest.mark.parametrize(
    ("facts", "fact"),
    [
        ({"samples": 95_999}, "samples"),
        ({"sample_rate": 44_100}, "sample rate"),
        ({"channels": 2}, "channels"),
        ({"tracks": (2,)}, "tracks"),
    ],
)
def test_a_wrong_first_reading_of_sound_is_not_believed(
    facts: dict[str, object], fact: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoiled(path: Path, *choice: object) -> object:
        info, findings = measure_sound(path, *choice)
        return info.model_copy(update=facts), findings

    monkeypatch.setattr(audio_module, "measure_sound", spoiled)
    with pytest.raises(ReadingsDiffer) as refused:
        audio_module.read_audio(write_wave(tmp_path / "a.wav", voices(1)))
    assert fact in [one["fact"] for one in refused.value.media["witness"]["differences"]]


def test_a_time_may_be_off_by_a_tick_but_never_by_a_quarter_of_its_frame() -> None:
    even = [Fraction(i, 25) for i in range(4)]
    off = [even[0], even[1], even[2] + Fraction(1, 1000), even[3]]
    assert compare_times(even, off, Fraction(1, 1000), Fraction(1, 25)) == []
    late = [even[0], even[1], even[2] + Fraction(1, 50), even[3]]
    (found,) = compare_times(even, late, Fraction(1, 25), Fraction(1, 25))  # a tick that is a whole frame is no tolerance
    assert (found.fact, found.frames[0].start) == ("times", 2)


def test_a_record_is_kept_as_bytes_and_is_the_same_again(clip: Make) -> None:
    record = video_module.read_video(clip("a.mp4")).record
    assert record is not None
    again = PictureRecord.unpack(record.pack())
    assert vars(again).keys() == vars(record).keys()
    for name, value in vars(record).items():
        kept = getattr(again, name)
        assert np.array_equal(kept, value) if isinstance(value, np.ndarray) else kept == value, name


def test_errors_of_readings_carry_a_stable_code_for_the_callers() -> None:
    assert issubclass(ReadingsDiffer, DublineError)
    assert (ReadingsDiffer.code, ParityFailed.code) == ("readings_differ", "parity_failed")
