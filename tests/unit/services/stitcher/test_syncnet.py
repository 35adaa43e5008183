"""A master's tracks, judged through the real network, against the metric computed from pictures and sound in one piece."""

import subprocess
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import torch

from dubbing.domain.analysis import Analysis, TrackPath
from dubbing.domain.faces import FaceTrack, Shot
from dubbing.faces.align import TEMPLATE
from dubbing.faces.sync_crops import FaceBoxes, sync_crop
from dubbing.media.frames import FrameReader
from dubbing.media.probe import probe
from lipforcing.contract import SAMPLE_RATE
from lipforcing.serving.sync import SyncJudge
from lipforcing.syncnet import ClipScorer, SyncNet, SyncSizes
from services.stitcher.syncnet import Showing, judge, whole_samples

SIZE = (320, 240)
FRAMES = 150


class Local:
    """The network in this process, narrower than the published one; keeps what it was asked."""

    def __init__(self) -> None:
        torch.manual_seed(5)
        self.network = SyncNet(SyncSizes(divide=16)).eval().requires_grad_(requires_grad=False)
        for head in (self.network.netfcaud, self.network.netfclip):
            head[3].weight *= 300  # so that what is seen and heard decides, not what is added to it
        self.pieces: list[int] = []

    def is_served(self) -> bool:
        return True

    def distances(self, pictures: np.ndarray, waveform: np.ndarray, inside: tuple[int, int]) -> np.ndarray:
        self.pieces.append(len(pictures))
        return SyncJudge(self.network).distances(pictures, waveform, np.array(inside, np.int64))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    source = ("-f", "lavfi", "-i", f"testsrc2=s={SIZE[0]}x{SIZE[1]}:r=25", "-frames:v", str(FRAMES), "-pix_fmt", "yuv420p")
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source, str(path)], check=True)
    return path


def track(index: int, shot: int, start: int, end: int, scale: float = 0.3) -> TrackPath:
    """A face that drifts and grows."""
    moved = [(TEMPLATE * scale * (1 + i / 2000) + [30 + i / 4, 10 + i / 9]).ravel() for i in range(end - start)]
    found = FaceTrack(index=index, shot=shot, start=start, end=end, size=30)
    return TrackPath(track=found, anchors=tuple(tuple(row) for row in moved), opening=(0.1,) * (end - start))


def showing(film: Path, fps: Fraction, sound: np.ndarray, after: Fraction = Fraction(0)) -> Showing:
    video = probe(film, "video").video
    assert video is not None
    return Showing(FrameReader(film, video), [after + i / fps for i in range(FRAMES + 1)], sound)


def analysis(show: Showing, *paths: TrackPath) -> Analysis:
    shots = (Shot(index=0, start=0, end=80), Shot(index=1, start=80, end=FRAMES))
    return Analysis(video=show.frames.video, shots=shots, paths=paths, chunks=())


def speech(seconds: float) -> np.ndarray:
    rng = np.random.default_rng(4)
    samples = int(seconds * SAMPLE_RATE)
    return (rng.standard_normal(samples) * 3000 * np.interp(np.arange(samples) / 4000, np.arange(999), rng.random(999))).astype(
        "<i2"
    )


def expected(local: Local, show: Showing, path: TrackPath, shown: list[int], first: int) -> tuple[float, float, int]:
    """Sync-C, Sync-D and offset of the pictures ``shown`` and the sound from sample ``first`` on, in one piece."""
    frames = list(show.frames.read())
    boxes = FaceBoxes.of(np.reshape(path.anchors, (-1, 3, 2))[[i - path.track.start for i in shown]]).smoothed()
    crops = np.stack([sync_crop(frames[i], *place) for i, *place in zip(shown, *boxes, strict=True)])
    sound = show.sound[first : first + 640 * len(shown)].astype(np.float32) / 32_768
    found = ClipScorer(local.network).score(torch.from_numpy(crops), torch.from_numpy(sound))
    return found.confidence, found.distance, found.offset


@pytest.mark.parametrize("after", [Fraction(0), Fraction(3, 10)])
def test_every_dubbed_track_gets_the_published_figures_of_its_own_pictures_and_sound(film: Path, after: Fraction) -> None:
    local, show = Local(), showing(film, Fraction(25), speech(7), after)
    one, two, other = track(0, 0, 3, 78), track(1, 1, 80, 150, 0.4), track(2, 0, 0, 80)
    found = judge(local, analysis(show, one, two, other), {0, 1}, show, lambda: None)
    assert sorted(found) == [0, 1]
    assert max(local.pieces) <= 68
    for path, (score,) in ((one, found[0]), (two, found[1])):
        shown = list(range(path.track.start, path.track.end))
        first = round((after + Fraction(path.track.start, 25)) * SAMPLE_RATE)
        confidence, distance, offset = expected(local, show, path, shown, first)
        assert score.frames == len(path.track)
        assert (score.confidence, score.distance) == (pytest.approx(confidence, rel=1e-3), pytest.approx(distance, rel=1e-4))
        assert score.offset_frames == offset


@pytest.mark.parametrize("fps", [Fraction(50), Fraction(24_000, 1001), Fraction(20)])
def test_at_other_rates_picture_k_is_the_frame_that_is_shown_k_25ths_of_a_second_after_the_first(
    film: Path, fps: Fraction
) -> None:
    local, show = Local(), showing(film, fps, speech(9))
    path = track(0, 0, 10, 140)
    (score,) = judge(local, analysis(show, path), {0}, show, lambda: None)[0]
    shown = [10 + int(Fraction(k, 25) * fps) for k in range(int(130 / fps * 25))]
    confidence, distance, offset = expected(local, show, path, shown, round(10 / fps * SAMPLE_RATE))
    assert score.frames == len(shown)
    assert (score.confidence, score.distance) == (pytest.approx(confidence, rel=1e-3), pytest.approx(distance, rel=1e-4))
    assert score.offset_frames == offset


def test_tracks_too_short_or_too_small_for_the_metric_and_a_track_without_sound_get_none(film: Path) -> None:
    local, show = Local(), showing(film, Fraction(25), speech(2.9))
    paths = track(0, 0, 0, 50), track(1, 0, 0, 78, scale=0.185), track(2, 1, 80, 150)
    assert judge(local, analysis(show, *paths), {0, 1, 2}, show, lambda: None) == {}
    assert local.pieces == []


def test_the_work_ends_when_it_is_told_to(film: Path) -> None:
    local, show = Local(), showing(film, Fraction(25), speech(7))

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        judge(local, analysis(show, track(0, 0, 0, 80)), {0}, show, stop)
    assert local.pieces == []


def test_sound_is_judged_in_whole_samples_and_kept_in_a_file(tmp_path: Path) -> None:
    pieces = [np.array([0.5, -2.0, 1.0], np.float32), np.array([0.4 / 32_768], np.float32)]
    assert whole_samples(pieces, tmp_path / "sound").tolist() == [16384, -32768, 32767, 0]
    assert whole_samples([], tmp_path / "none").tolist() == []
