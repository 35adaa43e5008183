"""Bad input, step by step: the first step that can know refuses, with a code, a place and advice."""

from pathlib import Path

import pytest
from film import Film, ffmpeg, write_tone
from pipeline import Pipeline

from dubbing.domain.media import SyncMode
from dubbing.errors import BadInput, DurationMismatch
from dubbing.settings import S3Settings
from dubbing.storage.s3 import S3Store

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def pipeline(s3_settings: S3Settings, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return Pipeline(S3Store(s3_settings), tmp_path_factory.mktemp("pipeline"))


@pytest.fixture(scope="module")
def files(film: Film, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file of each kind."""
    folder = tmp_path_factory.mktemp("files")
    quick = ("-c:v", "libx264", "-preset", "ultrafast")
    ffmpeg("-i", film.video, "-frames:v", 25, *quick, "-movflags", "+faststart", folder / "film.mp4")
    ffmpeg("-f", "lavfi", "-i", "smptebars=s=320x240:r=25:d=1", *quick, folder / "bars.mp4")
    whole = (folder / "film.mp4").read_bytes()
    (folder / "truncated.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "letter.mp4").write_text("Dear Sir or Madam")
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "empty.wav").write_bytes(b"")
    write_tone(folder / "track.wav", 1)
    write_tone(folder / "silent.wav", 0)
    sound = (folder / "track.wav").read_bytes()
    (folder / "cut.wav").write_bytes(sound[: len(sound) // 2])
    return folder


@pytest.mark.parametrize(
    ("video", "audio", "code"),
    [
        ("letter.mp4", "track.wav", "not_a_video"),
        ("empty.mp4", "track.wav", "empty_media"),
        ("truncated.mp4", "track.wav", "truncated_media"),
        ("track.wav", "track.wav", "no_video_stream"),
        ("film.mp4", "film.mp4", "no_audio_stream"),
        ("film.mp4", "empty.wav", "empty_media"),
        ("film.mp4", "silent.wav", "empty_media"),
        ("film.mp4", "cut.wav", "truncated_media"),
        ("bars.mp4", "track.wav", "no_face_anywhere"),
    ],
)
def test_what_cannot_be_dubbed_is_refused(pipeline: Pipeline, files: Path, video: str, audio: str, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        pipeline.dub(files / video, files / audio)
    assert refused.value.code == code
    assert refused.value.where
    assert refused.value.suggestions


@pytest.mark.parametrize(("seconds", "frames"), [(1.4, 10), (0.6, -10)])
def test_another_length_is_refused_with_frames_and_milliseconds(
    pipeline: Pipeline, files: Path, tmp_path: Path, seconds: float, frames: int
) -> None:
    with pytest.raises(DurationMismatch) as refused:
        pipeline.dub(files / "film.mp4", write_tone(tmp_path / "track.wav", seconds))
    assert (refused.value.media["delta_frames"], refused.value.media["delta_ms"]) == (frames, frames * 40)


@pytest.mark.parametrize(("seconds", "mode"), [(1.4, SyncMode.SILENCE), (0.6, SyncMode.CUT_OFF)])
def test_a_mode_that_does_not_help_is_refused_with_the_one_that_does(
    pipeline: Pipeline, files: Path, tmp_path: Path, seconds: float, mode: SyncMode
) -> None:
    other = {SyncMode.SILENCE: "cut_off", SyncMode.CUT_OFF: "silence"}[mode]
    with pytest.raises(DurationMismatch) as refused:
        pipeline.dub(files / "film.mp4", write_tone(tmp_path / "track.wav", seconds), mode)
    assert other in " ".join(refused.value.suggestions)
