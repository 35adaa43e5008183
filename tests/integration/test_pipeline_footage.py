"""Unusual footage through every step, with the engine that changes nothing: what comes out has the source's own shape."""

import hashlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from film import RATE, Film, ffmpeg, write_tone
from pipeline import Pipeline

from dubbing.domain.findings import FrameRange
from dubbing.domain.media import SyncMode, VideoInfo
from dubbing.media.frames import FrameReader
from dubbing.media.probe import probe
from dubbing.settings import S3Settings
from dubbing.storage.s3 import S3Store

pytestmark = [pytest.mark.stack, pytest.mark.slow]
Cut = Callable[..., Path]
# Every second frame comes 16 ms late.
VARIABLE = ("-vf", "settb=1/1000,setpts=N*40+16*mod(N\\,2)", "-fps_mode", "passthrough", "-enc_time_base", "1:1000")


@pytest.fixture(scope="module")
def pipeline(s3_settings: S3Settings, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return Pipeline(S3Store(s3_settings), tmp_path_factory.mktemp("pipeline"))


@pytest.fixture
def cut(film: Film, tmp_path: Path) -> Cut:
    """cut("name.mp4", words ...) makes a variant of the film's first second."""

    def run(name: str, *words: object, frames: int = 25) -> Path:
        ffmpeg("-i", film.video, *words, "-frames:v", frames, "-c:v", "libx264", "-preset", "ultrafast", tmp_path / name)
        return tmp_path / name

    return run


def video_of(path: Path) -> VideoInfo:
    found = probe(path).video
    assert found is not None
    return found


def dubbed(pipeline: Pipeline, video: Path, tmp_path: Path) -> tuple[Path, VideoInfo]:
    """The master of ``video`` with a track as long as it is."""
    track = write_tone(tmp_path / "track.wav", float(video_of(video).duration))
    result = pipeline.dub(video, track)
    master = pipeline.fetch(result, tmp_path)
    assert result.receipt.touched, "no face was found, so that nothing was tried"
    assert result.receipt.parity.frames_out == video_of(video).frames
    return master, video_of(master)


def likeness(a: Path, b: Path) -> float:
    """Mean absolute difference of two pictures, frame by frame, in 8-bit steps."""
    with av.open(str(a)) as one, av.open(str(b)) as other:
        pairs = zip(one.decode(video=0), other.decode(video=0), strict=True)
        errors = [np.abs(x.to_ndarray(format="rgb24").astype(int) - y.to_ndarray(format="rgb24")).mean() for x, y in pairs]
    return float(np.max(errors))


def test_odd_dimensions_stay_odd(pipeline: Pipeline, cut: Cut, tmp_path: Path) -> None:
    source = cut("odd.mp4", "-vf", "format=yuv444p,scale=481:271", "-pix_fmt", "yuv444p")
    master, made = dubbed(pipeline, source, tmp_path)
    assert (made.width, made.height) == (481, 271)
    assert likeness(source, master) < 3


def test_a_variable_rate_keeps_the_time_of_every_frame(pipeline: Pipeline, cut: Cut, tmp_path: Path) -> None:
    source = cut("variable.mp4", *VARIABLE)
    assert video_of(source).variable_rate
    master, made = dubbed(pipeline, source, tmp_path)
    assert made.variable_rate
    times = [FrameReader(path, video_of(path)).frame_times() for path in (source, master)]
    assert times[0] == times[1]
    assert len({b - a for a, b in zip(times[0], times[0][1:], strict=False)}) == 2


@pytest.mark.parametrize("turn", [90, 270])
def test_a_rotated_phone_video_is_understood_upright_and_stays_rotated(
    pipeline: Pipeline, cut: Cut, tmp_path: Path, turn: int
) -> None:
    # Stored on its side, with the note that a player turns it by: upright, it is the film.
    side = cut("side.mp4", "-vf", "transpose=" + ("cclock" if turn == 90 else "clock"))
    source = tmp_path / "phone.mp4"
    ffmpeg("-display_rotation", -turn, "-i", side, "-c", "copy", source)
    assert (video_of(source).rotation, video_of(source).upright_size) == (turn, (640, 360))
    master, made = dubbed(pipeline, source, tmp_path)
    assert (made.rotation, made.width, made.height) == (turn, 360, 640)
    assert likeness(source, master) < 3


def test_one_frame_is_dubbed(pipeline: Pipeline, cut: Cut, tmp_path: Path) -> None:
    _, made = dubbed(pipeline, cut("one.mp4", frames=1), tmp_path)
    assert (made.frames, made.fps) == (1, Fraction(25))


def test_frames_without_a_face_pass_through_and_are_named(pipeline: Pipeline, film: Film, tmp_path: Path) -> None:
    # The second half second shows an empty room.
    gap = "drawbox=enable='between(n,12,36)':c=gray:t=fill"
    source = tmp_path / "gap.mp4"
    ffmpeg("-i", film.video, "-vf", gap, "-frames:v", 50, "-c:v", "libx264", "-preset", "ultrafast", source)
    result = pipeline.dub(source, write_tone(tmp_path / "track.wav", 2))
    assert result.receipt.touched == (FrameRange(start=0, end=12), FrameRange(start=37, end=50))
    assert result.warnings
    named = {frame for finding in result.warnings for part in finding.frames for frame in range(part.start, part.end)}
    assert named == set(range(12, 37))
    assert result.receipt.warnings == result.warnings


@pytest.mark.parametrize(("mode", "extra"), [(SyncMode.CUT_OFF, 0.5), (SyncMode.SILENCE, -0.5)])
def test_a_track_of_another_length_is_cut_or_filled_on_request(
    pipeline: Pipeline, cut: Cut, tmp_path: Path, mode: SyncMode, extra: float
) -> None:
    result = pipeline.dub(cut("a.mp4"), write_tone(tmp_path / "track.wav", 1 + extra), mode)
    assert result.receipt.parity.frames_out == 25
    assert result.receipt.parity.samples_out == RATE


def test_the_same_work_makes_the_same_bytes(pipeline: Pipeline, cut: Cut, tmp_path: Path) -> None:
    source, track = cut("a.mp4"), write_tone(tmp_path / "track.wav", 1)
    made = [pipeline.dub(source, track, job_id=f"job_{i}").receipt.output_video.sha256 for i in range(2)]
    assert made[0] == made[1]


def test_encoding_again_does_not_encode_what_is_stored(pipeline: Pipeline, cut: Cut, tmp_path: Path) -> None:
    source, track = cut("again.mp4", "-vf", "hue=h=3"), write_tone(tmp_path / "track.wav", 1)
    calls = []
    for job_id in ("job_3", "job_4"):
        pipeline.dub(source, track, job_id=job_id)
        (context,) = [context for key, context in pipeline.contexts.items() if key.startswith("encode_face:")][-1:]
        calls.append(len(context.progressed))
    assert calls == [1, 0]


def test_every_step_tells_how_far_it_is_and_ends_at_its_total(pipeline: Pipeline, cut: Cut, tmp_path: Path) -> None:
    pipeline.contexts.clear()
    pipeline.dub(cut("progress.mp4", "-vf", "hue=h=5"), write_tone(tmp_path / "track.wav", 1), job_id="job_5")
    for key, context in pipeline.contexts.items():
        if not key.startswith("probe:"):
            assert context.progressed[-1] == (25, 25), key
            assert context.progressed == sorted(context.progressed), key


def test_what_an_older_version_stored_of_the_same_files_is_not_read(pipeline: Pipeline, cut: Cut, tmp_path: Path) -> None:
    """Every place of before holds rubbish, and the master is as good as ever."""
    source = cut("known.mp4")
    track = write_tone(tmp_path / "track.wav", 1.0)
    of_video, of_audio = (hashlib.sha256(path.read_bytes()).hexdigest() for path in (source, track))
    encoder = pipeline.models.face_encoder.digest[:16]
    places = [
        f"sources/{of_video}/a3/analysis.json",
        f"sources/{of_video}/a3/latents/{encoder}/000000.npz",
        f"sources/{of_audio}/speech/{encoder}/25-1x25/000000.npz",
    ]
    for place in places:
        pipeline.store.put_bytes(place, b"rubbish")
    result = pipeline.dub(source, track)
    assert result.receipt.touched
    assert all(pipeline.store.get_bytes(place) == b"rubbish" for place in places)
