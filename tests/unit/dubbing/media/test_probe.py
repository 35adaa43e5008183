import contextlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from media_samples import VARIABLE, Make

from dubbing.errors import (
    BadInput,
    EmptyMedia,
    NotAudio,
    NotAVideo,
    NotFound,
    NoVideoStream,
    TruncatedMedia,
    UnsupportedCodec,
)
from dubbing.media.index import FrameIndex
from dubbing.media.probe import _time_findings, probe


@pytest.mark.parametrize("container", ["mp4", "mov", "mkv", "avi", "ts", "flv"])
@pytest.mark.parametrize("rate", ["24000/1001", "25", "30000/1001", "50"])
def test_frames_and_rate_are_exact_in_every_container(clip: Make, container: str, rate: str) -> None:
    video = probe(clip(f"a.{container}", rate=rate, frames=47)).video
    assert video is not None
    assert (video.frames, video.fps, video.variable_rate) == (47, Fraction(rate), False)


def test_vp8_hidden_packets_are_not_counted_as_frames(make: Make) -> None:
    words = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=2", "-c:v", "libvpx", "-auto-alt-ref", 1, "-lag-in-frames", 16)
    video = probe(make("a.webm", *words, "-b:v", "200k")).video
    assert video is not None
    assert video.frames == 50


def test_rotation_aspect_and_colour_are_read(clip: Make, make: Make) -> None:
    tags = "setparams=color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc:range=tv"
    plain = clip("plain.mp4", "-vf", f"setsar=4/3,{tags}")
    video = probe(make("phone.mp4", "-display_rotation", -90, "-i", plain, "-c", "copy")).video
    assert video is not None
    assert (video.rotation, video.upright_size, video.sample_aspect_ratio) == (90, (48, 64), Fraction(4, 3))
    assert video.colour.model_dump() == {"primaries": "bt2020", "transfer": "arib-std-b67", "matrix": "bt2020nc", "range": "tv"}


def test_depth_is_read(clip: Make) -> None:
    video = probe(clip("ten.mov", "-pix_fmt", "yuv422p10le")).video
    assert video is not None
    assert (video.bit_depth, video.pixel_format) == (10, "yuv422p10le")


def test_a_variable_rate_is_seen_and_its_duration_is_exact(clip: Make) -> None:
    video = probe(clip("vfr.mkv", *VARIABLE)).video
    assert video is not None
    assert video.variable_rate
    assert video.frames == 50
    assert abs(video.duration - 2) < Fraction(1, 20)


def test_one_frame_is_a_video(clip: Make) -> None:
    video = probe(clip("one.mp4", rate="30000/1001", frames=1)).video
    assert video is not None
    assert (video.frames, video.fps, video.variable_rate) == (1, Fraction(30000, 1001), False)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.m4a", "a.mp3", "a.opus", "a.mka"])
def test_samples_are_counted_as_they_are_heard(noise: Make, name: str) -> None:
    audio = probe(noise(name, samples=96_005), "audio").audio
    assert audio is not None
    assert (audio.samples, audio.sample_rate) == (96005, 48_000)


def test_a_text_file_is_not_a_video(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("This is a letter.\n" * 100)
    with pytest.raises(NotAVideo) as caught:
        probe(path)
    assert caught.value.suggestions


def test_a_playlist_cannot_make_us_open_other_files(clip: Make, tmp_path: Path) -> None:
    target = clip("a.ts")
    path = tmp_path / "b.m3u8"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{target}\n#EXT-X-ENDLIST\n")
    with pytest.raises(NotAVideo):
        probe(path)


def test_a_picture_file_is_not_a_video(make: Make) -> None:
    with pytest.raises(NotAVideo):
        probe(make("a.png", "-f", "lavfi", "-i", "testsrc2=s=64x48", "-frames:v", 1))


def test_an_empty_file_and_a_missing_one_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    with pytest.raises(EmptyMedia, match="0 bytes"):
        probe(tmp_path / "a.mp4")
    with pytest.raises(NotFound):
        probe(tmp_path / "b.mp4")


def test_mp4_without_its_index_is_truncated(clip: Make) -> None:
    path = clip("a.mp4")
    path.write_bytes(path.read_bytes()[:-1500])
    with pytest.raises(TruncatedMedia, match="index is missing"):
        probe(path)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_file_cut_in_the_middle_is_truncated_and_says_where(clip: Make, name: str) -> None:
    path = clip(name, *(("-movflags", "+faststart") if name.endswith("mp4") else ()), frames=100)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    with pytest.raises(TruncatedMedia) as caught:
        probe(path)
    assert 20 < caught.value.where["frame"] < 90
    assert caught.value.where["time"]


def test_cut_sound_is_truncated(noise: Make) -> None:
    path = noise("a.wav")
    path.write_bytes(path.read_bytes()[:90_000])
    with pytest.raises(TruncatedMedia, match="promises"):
        probe(path, "audio")


def test_sound_alone_is_no_video_and_cover_art_is_no_picture(noise: Make, make: Make) -> None:
    sound = noise("a.mp3")
    with pytest.raises(NoVideoStream, match="no picture"):
        probe(sound, "video")
    cover = make("c.png", "-f", "lavfi", "-i", "testsrc2=s=64x48", "-frames:v", 1)
    words = ("-i", sound, "-i", cover, "-map", 0, "-map", 1, "-c", "copy", "-disposition:v", "attached_pic")
    covered = make("covered.mp3", *words)
    with pytest.raises(NoVideoStream, match="cover picture"):
        probe(covered, "video")
    info = probe(covered)
    assert info.video is None
    assert info.audio is not None


def test_a_silent_film_has_no_audio(clip: Make) -> None:
    path = clip("a.mp4")
    assert probe(path, "video").audio is None
    with pytest.raises(NotAudio):
        probe(path, "audio")


def test_a_sound_stream_without_samples_is_empty(noise: Make) -> None:
    with pytest.raises((EmptyMedia, NotAVideo, NotAudio)):
        probe(noise("a.wav", samples=0), "audio")


def test_a_picture_stream_without_frames_is_empty(clip: Make) -> None:
    with pytest.raises(BadInput):
        probe(clip("a.mkv", "-vf", "trim=end_frame=0"), "video")


def test_an_encrypted_track_is_refused(clip: Make) -> None:
    key = "0123456789abcdef0123456789abcdef"
    words = ("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", key, "-encryption_kid", key)
    with pytest.raises(UnsupportedCodec, match="encrypted"):
        probe(clip("a.mp4", *words))


def test_an_unknown_codec_is_refused(clip: Make) -> None:
    path = clip("a.mkv")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"V_MPEG4/ISO/AVC", b"V_XPEG9/XXX/XXX"))
    with pytest.raises(UnsupportedCodec):
        probe(path)


def test_damage_of_any_kind_ends_in_a_named_error_or_a_result(clip: Make) -> None:
    path = clip("a.mp4", frames=12)
    data = path.read_bytes()
    for at in range(0, len(data), max(1, len(data) // 60)):
        path.write_bytes(data[:at] + bytes([255] * 16) + data[at + 16 :])
        with contextlib.suppress(BadInput):  # Anything else, a crash or a hang, fails the test.
            probe(path)


def test_repaired_times_are_told_in_ranges_and_counted_by_frames() -> None:
    index = FrameIndex(np.arange(50), np.arange(1), Fraction(1, 25), 1, Fraction(25), broken=(8, 9, 10, 30))
    (finding,) = _time_findings(index)
    assert finding.code == "times_repaired"
    assert finding.detail.startswith("4 of 50 frames")
    assert [(part.start, part.end) for part in finding.frames] == [(8, 11), (30, 31)]
