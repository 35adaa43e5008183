"""What a source carries and a master does not is told, once; what a master carries is not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from media_samples import Make

from dubbing.domain.media import AudioInfo
from dubbing.media.losses import lost_of_sound
from dubbing.media.read_audio import read_audio
from dubbing.media.read_video import read_video
from dubbing.media.witness.headers import Header

HDR = (
    "log-level=error:hdr10=1:repeat-headers=1:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:max-cll=1000,400:"
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
)
FFV1 = ("-c:v", "ffv1")


def beside(clip: Make, make: Make, *words: object) -> Path:
    return make("beside.mp4", "-i", clip("plain.mp4"), *words)


def many_tracks(clip: Make, make: Make) -> Path:
    tone = ("-f", "lavfi", "-i", "sine=220:d=2")
    return beside(clip, make, *tone, *tone, "-map", 0, "-map", 1, "-map", 2, "-c:v", "copy", "-c:a", "aac")


def chapters(clip: Make, make: Make) -> Path:
    path = clip("plain.mp4")
    notes = path.with_name("notes.txt")
    notes.write_text(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=900\ntitle=One\n")
    return make("chapters.mp4", "-i", path, "-i", notes, "-map_chapters", 1, "-c", "copy")


def subtitles(clip: Make, make: Make) -> Path:
    path = clip("plain.mp4")
    lines = path.with_name("lines.srt")
    lines.write_text("1\n00:00:00,100 --> 00:00:01,000\nHello\n")
    return make("subtitles.mp4", "-i", path, "-i", lines, "-c:v", "copy", "-c:s", "mov_text")


def cover(clip: Make, make: Make) -> Path:
    art = make("art.png", "-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", 1)
    return beside(clip, make, "-i", art, "-map", 0, "-map", 1, "-c", "copy", "-disposition:v:1", "attached_pic")


def second_picture(clip: Make, make: Make) -> Path:
    return beside(clip, make, "-i", clip("other.mp4", size="32x32"), "-map", 0, "-map", 1, "-c", "copy")


def still_before_it(clip: Make, make: Make) -> Path:
    """A thumbnail track that is not marked as one, as some cameras write it."""
    art = make("art.jpg", "-f", "lavfi", "-i", "color=red:s=320x320", "-frames:v", 1)
    return make("still.mkv", "-i", art, "-i", clip("plain.mp4"), "-map", 0, "-map", 1, "-c", "copy")


LOSSES: dict[str, tuple[Callable[[Make, Make], Path], set[str]]] = {
    "nothing": (lambda clip, _: clip("a.mp4"), set()),
    "ten bits": (lambda clip, _: clip("a.mov", "-pix_fmt", "yuv422p10le"), set()),
    "twelve bits": (lambda clip, _: clip("a.mkv", *FFV1, "-pix_fmt", "yuv422p12le"), {"depth_reduced"}),
    "alpha": (lambda clip, _: clip("a.mkv", *FFV1, "-pix_fmt", "yuva444p"), {"alpha_lost"}),
    "R'G'B'": (lambda clip, _: clip("a.mkv", *FFV1, "-pix_fmt", "gbrp"), {"colour_converted"}),
    "interlacing": (
        lambda clip, _: clip("a.mp4", "-vf", "setfield=tff", "-flags", "+ildct+ilme", "-x264-params", "tff=1"),
        {"interlacing_lost"},
    ),
    "a chroma site, which is carried": (lambda clip, _: clip("a.mp4", "-x264-params", "chromaloc=2"), set()),
    "HDR10": (
        lambda clip, _: clip("a.mp4", "-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params", HDR),
        {"hdr_metadata_lost"},
    ),
    "a time code": (lambda clip, _: clip("a.mov", "-timecode", "01:00:00:00"), {"timecode_lost"}),
    "a time code of zero, which every master has": (lambda clip, _: clip("a.mov", "-timecode", "00:00:00:00"), set()),
    "metadata": (lambda clip, _: clip("a.mp4", "-metadata", "title=Reel 1"), {"metadata_lost"}),
    "other sound": (many_tracks, {"tracks_lost"}),
    "chapters": (chapters, {"chapters_lost"}),
    "subtitles": (subtitles, {"subtitles_lost"}),
    "a cover": (cover, {"pictures_lost"}),
    "a second picture": (second_picture, {"picture_chosen"}),
    "a still before the film": (still_before_it, {"picture_chosen"}),
}


@pytest.mark.parametrize("what", LOSSES)
def test_what_masters_do_not_carry_is_told_once(what: str, clip: Make, make: Make) -> None:
    source, codes = LOSSES[what]
    media = read_video(source(clip, make)).media
    assert [finding.code for finding in media.findings] == sorted(codes)
    assert media.video is not None
    assert media.video.frames == 50, "the film was read, not what lies beside it"


def test_a_picture_can_be_chosen_by_its_number(clip: Make, make: Make) -> None:
    path = second_picture(clip, make)
    chosen = read_video(path, 2).media
    assert chosen.video is not None
    assert (chosen.video.track, chosen.video.width, chosen.findings) == (2, 32, ())


def test_a_tracks_time_of_day_is_told(noise: Make) -> None:
    path = noise("bwf.wav", "-write_bext", 1, "-metadata", "time_reference=172800000")
    found = read_audio(path).media
    assert [finding.code for finding in found.findings] == ["timecode_lost"]
    assert "60:00.000" in found.findings[0].detail


def test_a_header_that_says_nothing_tells_nothing() -> None:
    info = AudioInfo(codec="pcm_s16le", sample_rate=48_000, channels=1, layout="mono", samples=1)
    assert list(lost_of_sound(Header(by="nobody"), info)) == []
