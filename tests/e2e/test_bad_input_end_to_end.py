"""Bad input through the whole system: every job ends with a code, a sentence and advice, never with a traceback or a hang."""

from pathlib import Path
from typing import Any

import pytest
from film import Film, ffmpeg, write_tone
from platform_access import Platform

pytestmark = [pytest.mark.stack, pytest.mark.slow]

# What is sent as the video and as the audio, the code that answers, and what its place names.
CASES = {
    "not a video": ("letter.mp4", "track.wav", "not_a_video"),
    "truncated": ("truncated.mp4", "track.wav", "truncated_media"),
    "no video stream": ("track.wav", "track.wav", "no_video_stream"),
    "no audio stream": ("film.mp4", "film.mp4", "no_audio_stream"),
    "no face": ("bars.mp4", "track.wav", "no_face_anywhere"),
    "longer": ("film.mp4", "longer.wav", "duration_mismatch"),
    "shorter": ("film.mp4", "shorter.wav", "duration_mismatch"),
}


@pytest.fixture(scope="module")
def answers(platform: Platform, film: Film, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All jobs at once; how each ended."""
    folder = tmp_path_factory.mktemp("bad")
    files = make_files(folder, film)
    assets = {path.name: platform.client.upload(path, lambda _: None) for path in files}
    jobs = {case: platform.submit(assets[video], assets[audio]) for case, (video, audio, _) in CASES.items()}
    return {case: platform.ended(job_id) for case, job_id in jobs.items()}


def make_files(folder: Path, film: Film) -> list[Path]:
    seconds = film.frames / 25
    (folder / "letter.mp4").write_text("Dear Sir or Madam")
    whole = film.video.read_bytes()
    (folder / "film.mp4").write_bytes(whole)
    ffmpeg("-i", film.video, "-c", "copy", "-movflags", "+faststart", folder / "fast.mp4")
    fast = (folder / "fast.mp4").read_bytes()
    (folder / "truncated.mp4").write_bytes(fast[: len(fast) // 2])
    ffmpeg("-f", "lavfi", "-i", f"smptebars=s=320x240:r=25:d={seconds}", folder / "bars.mp4")
    write_tone(folder / "track.wav", seconds)
    write_tone(folder / "longer.wav", seconds + 0.4)
    write_tone(folder / "shorter.wav", seconds - 0.4)
    return sorted(folder.iterdir())


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_answered_with_its_code_and_advice(answers: dict[str, Any], case: str) -> None:
    job = answers[case]
    assert job["status"] == "failed"
    error = job["error"]
    assert error["code"] == CASES[case][2]
    assert 400 <= error["status"] < 500
    assert error["retryable"] is False
    assert error["detail"]
    assert error["suggestions"]
    assert "Traceback" not in str(error)
    assert error["where"]


@pytest.mark.parametrize(("case", "frames"), [("longer", 10), ("shorter", -10)])
def test_a_difference_in_length_is_given_in_frames_and_milliseconds(answers: dict[str, Any], case: str, frames: int) -> None:
    media = answers[case]["error"]["media"]
    assert (media["delta_frames"], media["delta_ms"]) == (frames, frames * 40)
