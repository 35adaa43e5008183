"""Times of every kind, from source to master: what is shown when, what is told, and what is refused with which words."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import pytest
from media_delivery import Delivery
from media_samples import Make

from dubbing.domain.media import SyncMode
from dubbing.errors import DurationMismatch
from dubbing.media.proof import prove


class Case(NamedTuple):
    """A source, the track for it, and what a studio must get.

    Attributes:
        make: makes the source.
        samples: length of the track at 48 kHz.
        times: seconds at which each frame is shown, from the first on.
        starts: seconds at which picture and sound of the master begin.
        told: codes of what is told.
    """

    make: Callable[[Make, Make], Path]
    samples: int
    times: list[Fraction]
    starts: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0))
    findings: tuple[str, ...] = ()


def grid(frames: int, rate: Fraction = Fraction(25)) -> list[Fraction]:
    return [i / rate for i in range(frames)]


def without(times: list[Fraction], *left_out: int) -> list[Fraction]:
    return [time for place, time in enumerate(times) if place not in left_out]


def on_ticks(name: str, select: str, rate: int, ticks: int) -> Callable[[Make, Make], Path]:
    """Frames chosen or moved by a filter, in a container whose tick is 1 / ``ticks`` seconds."""

    def make(clip: Make, _: Make) -> Path:
        words = ("-vf", select, "-fps_mode", "passthrough", "-enc_time_base", f"1/{ticks}")
        if name.endswith(".mp4"):
            words = (*words, "-video_track_timescale", ticks)
        return clip(name, *words, "-bf", 0, rate=str(rate), frames=200 if "N" in select else 50, size="64x48")

    return make


def edit_inside(clip: Make, make: Make) -> Path:
    """One key frame at the start; an edit list that begins 15 frames later."""
    return make("edit.mp4", "-ss", 0.6, "-i", clip("whole.mp4", "-g", 60, "-bf", 0), "-c", "copy")


def late_picture(by: str) -> Callable[[Make, Make], Path]:
    def make(clip: Make, make: Make) -> Path:
        own = make("own.m4a", "-f", "lavfi", "-i", "sine=330:d=2.5", "-c:a", "aac")
        words = ("-itsoffset", by, "-i", clip("picture.mp4", "-bf", 0), "-i", own, "-map", "0:v", "-map", "1:a", "-c", "copy")
        return make("late.mp4", *words, "-movie_timescale", 48_000)

    return make


def twin_times(clip: Make, _: Make) -> Path:
    """Frame 21 carries the time of frame 20."""
    path = clip("plain.mkv", "-bf", 0)
    out = path.with_name("twins.mkv")
    with av.open(str(path)) as given, av.open(str(out), "w") as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        for number, packet in enumerate(packet for packet in given.demux(video=0) if packet.size):
            if number == 21:
                packet.pts = packet.dts = 20 * 40
            packet.stream = stream
            made.mux(packet)
    return out


def no_times(clip: Make, _: Make) -> Path:
    return clip("raw.h264", "-bf", 0)


FRAME = Fraction(1, 25)
NTSC_LIKE = Fraction(2997, 100)
CASES = {
    "an edit list that begins between key frames": Case(edit_inside, 67_200, grid(35)),
    "a dropped frame where a tick is a frame, in MP4": Case(
        on_ticks("a.mp4", "select='not(eq(n,30))'", 25, 25), 97_920, without(grid(51), 30)
    ),
    "a dropped frame where a tick is a frame, in AVI": Case(
        on_ticks("a.avi", "select='not(eq(n,30))'", 25, 25), 97_920, without(grid(51), 30)
    ),
    "24 frames on a grid of 60": Case(
        on_ticks("a.mp4", "trim=end_frame=48,settb=1/60,setpts=floor(N*2.5)", 24, 60),
        96_000,
        [Fraction(int(n * 2.5), 60) for n in range(48)],
    ),
    "2997/100 in MP4": Case(lambda clip, _: clip("a.mp4", rate="2997/100"), 80_080, grid(50, NTSC_LIKE)),
    "2997/100 in AVI": Case(
        lambda clip, _: clip("a.avi", "-c:v", "mjpeg", "-bf", 0, "-pix_fmt", "yuvj420p", rate="2997/100"),
        80_080,
        grid(50, NTSC_LIKE),
    ),
    "two frames with one time": Case(twin_times, 96_000, grid(50), findings=("times_repaired",)),
    "no times at all": Case(no_times, 96_000, grid(50), findings=("times_guessed",)),
    "a picture that starts late, a track for the programme": Case(
        late_picture("0.5"), 120_000, grid(50), (Fraction(1, 2), Fraction(0)), ("picture_starts_late",)
    ),
    "a picture that starts late, a track for the picture": Case(
        late_picture("0.5"), 96_000, grid(50), (Fraction(1, 2), Fraction(1, 2)), ("laid_from_picture",)
    ),
    "a picture that starts within the tolerance": Case(
        late_picture("0.02"), 96_000, grid(50), (Fraction(1, 50), Fraction(0)), ("picture_starts_late",)
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_every_frame_keeps_its_time_and_what_is_not_plain_is_told(kind: str, clip: Make, make: Make, noise: Make) -> None:
    case = CASES[kind]
    made = Delivery(case.make(clip, make), noise("new.wav", samples=case.samples))
    prove(made.out, made.record, made.given, ())
    picture, begins = shown(made.out)
    assert len(picture) == len(case.times)
    tick = Fraction(1, 1000)
    assert all(abs(a - b) <= tick for a, b in zip(picture, case.times, strict=True)), picture
    assert [abs(a - b) <= tick for a, b in zip(begins, case.starts, strict=True)] == [True, True], begins
    assert tuple(made.codes) == case.findings


def test_rates_are_delivered_as_the_source_has_them(clip: Make, make: Make, noise: Make) -> None:
    for kind in ("2997/100 in MP4", "2997/100 in AVI"):
        made = Delivery(CASES[kind].make(clip, make), noise("new.wav", samples=80_080))
        assert made.video.media.video.fps == NTSC_LIKE
        with av.open(str(made.out)) as container:
            assert container.streams.video[0].average_rate == NTSC_LIKE


def test_a_sound_that_starts_late_keeps_its_start_in_silence(clip: Make, make: Make, noise: Make) -> None:
    """With a video beside it in Matroska, and by an edit list of its own in MP4."""
    short = noise("short.wav", samples=72_000)
    black = ("-f", "lavfi", "-i", "color=black:s=64x48:r=25:d=2")
    in_mkv = make("late.mkv", "-itsoffset", 0.5, "-i", short, *black, "-map", "0:a", "-map", "1:v", "-c:a", "flac")
    in_mp4 = make("late.m4a", "-itsoffset", 0.5, "-i", make("alac.m4a", "-i", short, "-c:a", "alac"), "-c", "copy")
    for path in (in_mkv, in_mp4):
        made = Delivery(clip("a.mp4"), path)
        assert prove(made.out, made.record, made.given, ()).sound.exact
        assert (made.plan.lead, made.plan.samples, made.codes) == (24_000, 96_000, ["sound_starts_late"])


def test_a_hole_in_a_sound_is_filled_and_told(clip: Make, make: Make, noise: Make) -> None:
    moved = "asetpts='if(lt(T,1),PTS,PTS+0.5/TB)'"
    holed = make("hole.mkv", "-i", noise("short.wav", samples=72_000), "-af", moved, "-c:a", "pcm_s16le")
    made = Delivery(clip("a.mp4"), holed)
    assert prove(made.out, made.record, made.given, ()).sound.exact
    assert abs(made.plan.samples - 96_000) <= 48, "Matroska tells times in milliseconds"
    assert made.codes == ["sound_hole"]


def test_a_sound_that_fits_only_without_its_start_is_laid_so_and_told(clip: Make, make: Make, noise: Make) -> None:
    late = make("late.mka", "-itsoffset", 0.5, "-i", noise("whole.wav"), "-c:a", "flac")
    made = Delivery(clip("a.mp4"), late)
    assert (made.plan.lead, made.plan.samples, made.codes) == (0, 96_000, ["start_not_kept"])


MISMATCHES = {
    "start": (late_picture("0.5"), 150_000, "covers 0.500 s to 2.500 s of its programme"),
    "end": (lambda clip, _: clip("a.mp4"), 150_000, "longer"),
    "end, the other way": (lambda clip, _: clip("a.mp4"), 50_000, "shorter"),
}


@pytest.mark.parametrize("lies", MISMATCHES)
def test_a_length_that_does_not_fit_is_refused_with_where_it_lies(lies: str, clip: Make, make: Make, noise: Make) -> None:
    source, samples, words = MISMATCHES[lies]
    with pytest.raises(DurationMismatch, match=words) as refused:
        Delivery(source(clip, make), noise("new.wav", samples=samples))
    part = lies.split(",", maxsplit=1)[0]
    assert refused.value.where["part"] == part
    cutting = [advice for advice in refused.value.suggestions if "cut_off" in advice or "silence" in advice]
    assert bool(cutting) == (part == "end"), "cutting the end mends nothing that lies elsewhere"


def test_a_hole_that_leaves_the_sound_too_long_is_named(clip: Make, make: Make, noise: Make) -> None:
    moved = "asetpts='if(lt(T,1),PTS,PTS+0.5/TB)'"
    holed = make("hole.mkv", "-i", noise("whole.wav"), "-af", moved, "-c:a", "pcm_s16le")
    with pytest.raises(DurationMismatch, match=r"1 hole of 0\.500 s") as refused:
        Delivery(clip("a.mp4"), holed, SyncMode.STRICT)
    assert refused.value.where["part"] == "hole"


def shown(master: Path) -> tuple[list[Fraction], tuple[Fraction, Fraction]]:
    """Frame times after the first one, and where picture and sound begin, decoded in the plainest way."""
    with av.open(str(master)) as container:
        base = container.streams.video[0].time_base
        times = [frame.pts * base for frame in container.decode(video=0)]
    with av.open(str(master)) as container:
        first = next(container.decode(audio=0))
        begin = first.pts * first.time_base
    return [time - times[0] for time in times], (times[0], begin)
