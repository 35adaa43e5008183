"""A master's scores from its files: whose sound is compared with whose mouth, and what happens where SyncNet is not."""

import subprocess
import wave
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import imageio_ffmpeg
import numpy as np
import pytest

from dubbing.domain.analysis import Analysis, TrackPath
from dubbing.domain.faces import FaceTrack, Shot
from dubbing.domain.findings import FindingCode
from dubbing.domain.media import AudioInfo, MediaInfo, SyncMode, SyncPlan, VideoInfo
from dubbing.domain.receipt import SyncMeasure
from dubbing.errors import ChunkFailed, ModelUnavailable
from dubbing.faces.align import TEMPLATE
from dubbing.media.loudness import loudness
from dubbing.media.measure import measure_sound
from dubbing.media.mono import SPEECH_RATE
from dubbing.media.probe import probe
from services.stitcher.scorer import Scorer
from services.stitcher.scoring import Agreements

FRAMES = 600
LATE = 1  # seconds by which the source's own sound begins after its picture: twice the largest lag
TIMES = [Fraction(i, 25) for i in range(FRAMES)]


def voice(seed: int, seconds: int) -> np.ndarray:
    """Noise as loud as syllables are, int16 at 16 kHz."""
    rng = np.random.default_rng(seed)
    envelope = np.interp(
        np.arange(seconds * SPEECH_RATE) / SPEECH_RATE * 8, np.arange(seconds * 8 + 1), rng.random(seconds * 8 + 1)
    )
    return (rng.standard_normal(seconds * SPEECH_RATE) * 6000 * envelope**3).astype("<i2")


def write(path: Path, samples: np.ndarray) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(SPEECH_RATE)
        file.writeframes(samples.tobytes())
    return path


def heard(samples: np.ndarray, after: int = 0) -> np.ndarray:
    """How a mouth opens that follows a sound which begins ``after`` seconds into the picture."""
    return loudness(iter([samples.astype(np.float32) / 32_768]), [time - after for time in TIMES], SPEECH_RATE) / 100


@dataclass
class Master:
    """The files of one master, and what was asked for."""

    folder: Path
    video: Path
    audio: Path
    own: AudioInfo | None
    given: AudioInfo
    filmed: np.ndarray

    @property
    def picture(self) -> Path:
        return self.video

    @property
    def task(self) -> SimpleNamespace:
        plan = SyncPlan(mode=SyncMode.STRICT, sample_rate=SPEECH_RATE, keep=self.given.samples)
        video, audio = (MediaInfo(container="", size_bytes=1, audio=sound) for sound in (self.own, self.given))
        return SimpleNamespace(
            plan=plan, video=SimpleNamespace(media=video), audio=SimpleNamespace(media=audio), chunks=[SimpleNamespace(track=0)]
        )

    @property
    def analysis(self) -> Analysis:
        track = FaceTrack(index=0, shot=0, start=0, end=FRAMES, size=60)
        anchors = (tuple((TEMPLATE * 0.3 + [30, 10]).ravel().tolist()),) * FRAMES
        path = TrackPath(track=track, anchors=anchors, opening=tuple(self.filmed.tolist()))
        return Analysis(video=self.shown, shots=(Shot(index=0, start=0, end=FRAMES),), paths=(path,), chunks=())

    @property
    def shown(self) -> VideoInfo:
        found = probe(self.video, "video").video
        assert found is not None
        return found


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Master:
    """A source whose mouth follows its own sound, and a new track."""
    folder = tmp_path_factory.mktemp("master")
    own, new = write(folder / "own.wav", voice(1, 23)), write(folder / "new.wav", voice(2, 24))
    video = folder / "film.mov"
    words = ("-f", "lavfi", "-i", f"testsrc2=s=240x180:r=25:d={FRAMES / 25}", "-itsoffset", str(LATE), "-i", str(own))
    encoded = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le")
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *words, *encoded, str(video)], check=True)
    sound = measure_sound(video)[0]
    assert sound.start == LATE
    return Master(folder, video, new, sound, measure_sound(new)[0], heard(voice(1, 23), LATE))


class Broken:
    """Is served, until it is asked."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.asked = 0

    def is_served(self) -> bool:
        return True

    def distances(self, *_: object) -> np.ndarray:
        self.asked += 1
        raise self.error


class Absent(Broken):
    """Has no weights."""

    def is_served(self) -> bool:
        return False


def scored(master: Master, opening: np.ndarray, syncnet: Broken | None = None) -> Agreements:
    scorer = Scorer(None if syncnet is None else lambda: syncnet)
    return scorer(master, opening, lambda: None)  # type: ignore[arg-type]


def test_a_mouth_that_follows_the_new_track_is_told_with_its_significance_and_the_sources_is_not(master: Master) -> None:
    found = scored(master, heard(voice(2, 24)))
    assert found.language.agreement is not None
    assert (found.language.agreement.lag_frames, found.language.agreement.significance) == (0, 0.0001)
    assert found.language.agreement_before is None
    assert found.findings == ()


def test_where_the_source_agrees_with_its_own_sound_and_the_new_mouth_with_nothing_that_is_told(master: Master) -> None:
    for opening in (heard(voice(3, 24)), master.filmed):  # follows another track; was not touched at all
        (finding,) = scored(master, opening).findings
        assert finding.code == FindingCode.SYNC_LOST
        assert finding.detail.startswith(
            "The source's mouths agree with its own sound by 1.00, the new ones with the new track by"
        )
    (finding,) = scored(master, np.full(FRAMES, 0.2)).findings
    assert "the new ones with the new track not at all" in finding.detail


def test_a_source_without_sound_of_its_own_says_nothing_of_what_was_lost(master: Master) -> None:
    mute = Master(**{**vars(master), "own": None})
    assert scored(mute, master.filmed).findings == ()


def test_an_own_sound_that_cannot_be_read_is_no_matter(master: Master) -> None:
    assert master.own is not None
    absent = Master(**{**vars(master), "own": master.own.model_copy(update={"tracks": (7,)})})
    found = scored(absent, master.filmed)
    assert found.findings == ()
    assert found.language.frames == FRAMES


@pytest.mark.parametrize("error", [ModelUnavailable("gone"), ChunkFailed("refused")])
def test_a_syncnet_that_fails_costs_no_master_and_leaves_what_was_measured(master: Master, error: Exception) -> None:
    syncnet = Broken(error)
    found = scored(master, heard(voice(2, 24)), syncnet)
    assert syncnet.asked == 1
    assert found.language.measure is SyncMeasure.OPENING
    assert found == scored(master, heard(voice(2, 24)))


def test_a_syncnet_without_weights_is_not_asked(master: Master) -> None:
    syncnet = Absent(AssertionError())
    assert scored(master, master.filmed, syncnet).language.syncnet is None
    assert syncnet.asked == 0
