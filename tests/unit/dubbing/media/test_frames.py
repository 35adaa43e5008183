from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from media_samples import VARIABLE, Make, decoded_planes
from numpy.typing import NDArray

from dubbing.domain.media import Box, ColourTags
from dubbing.errors import TruncatedMedia
from dubbing.media.frames import FrameReader
from dubbing.media.pixels.colour import colour_space
from dubbing.media.pixels.picture import PictureFrame
from dubbing.media.probe import probe


def opened(path: Path) -> FrameReader:
    video = probe(path).video
    assert video is not None
    return FrameReader(path, video)


def planes(frame: PictureFrame) -> bytes:
    return frame.native.to_ndarray().tobytes()


KINDS = {
    "closed": ("a.mp4", ()),
    "open gop": ("a.mp4", ("-x264-params", "open-gop=1:keyint=12:bframes=3:b-pyramid=normal")),
    "variable": ("a.mkv", VARIABLE),
    "stream": ("a.ts", ()),
    "hevc open gop": ("a.mp4", ("-c:v", "libx265", "-x265-params", "log-level=none:open-gop=1:keyint=12")),
    "mpeg2": ("a.ts", ("-c:v", "mpeg2video", "-bf", 2, "-g", 12)),
    "no entry": ("a.avi", ()),
    "ten bits": ("a.mov", ("-pix_fmt", "yuv420p10le")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_any_range_gives_exactly_these_frames(clip: Make, kind: str) -> None:
    name, extra = KINDS[kind]
    path = clip(name, *extra, frames=60)
    whole = decoded_planes(path)
    reader = opened(path)
    assert len(reader) == len(whole) == 60
    for start, end in [(0, 60), (0, 1), (59, 60), (11, 13), (12, 24), (23, 40), (37, 38), (30, 30)]:
        got = list(reader.read(start, end))
        assert [f.index for f in got] == list(range(start, end))
        assert [planes(f) for f in got] == whole[start:end], (start, end)


@pytest.mark.parametrize("kind", KINDS)
def test_scattered_frames_are_picked_exactly(clip: Make, kind: str) -> None:
    name, extra = KINDS[kind]
    path = clip(name, *extra, frames=60)
    whole, reader, wanted = decoded_planes(path), opened(path), [0, 7, 11, 12, 13, 36, 59]
    got = list(reader.pick(wanted))
    assert [f.index for f in got] == wanted
    assert [planes(f) for f in got] == [whole[i] for i in wanted]


def test_times_are_exact_on_the_grid_and_off_it(clip: Make) -> None:
    steady = opened(clip("a.mkv", rate="30000/1001", frames=40))
    assert steady.frame_times() == [i * Fraction(1001, 30000) for i in range(40)]
    uneven = opened(clip("b.mkv", *VARIABLE, frames=10))
    assert uneven.frame_times() == [Fraction(40 * n + 16 * (n % 2), 1000) for n in range(10)]
    assert [f.time for f in uneven.read(3, 7)] == uneven.frame_times()[3:7]


def test_damage_inside_names_the_frame_and_its_time_code(clip: Make) -> None:
    path = clip("a.mp4", frames=100)
    reader = opened(path)
    with av.open(str(path)) as container:
        places = sorted((p.pos, p.size) for p in container.demux(video=0) if p.size)
    position, size = places[70]
    data = bytearray(path.read_bytes())
    data[position : position + size] = bytes(size)
    path.write_bytes(data)
    with pytest.raises(TruncatedMedia) as caught:
        list(reader.read())
    assert 66 <= caught.value.where["frame"] <= 74
    assert caught.value.where["timecode"].startswith("00:00:02:")
    assert len(list(reader.read(0, 40))) == 40


def test_a_range_outside_the_file_is_refused(clip: Make) -> None:
    with pytest.raises(ValueError, match="not inside"):
        next(opened(clip("a.mp4")).read(40, 51))


FORMATS = ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p12le", "gbrp", "gray", "nv12", "rgb24"]


def one(clip: Make, pixel_format: str, size: str = "65x49", extra: tuple[object, ...] = ()) -> PictureFrame:
    codec = "rawvideo" if pixel_format in {"nv12", "rgb24"} else "ffv1"
    return next(opened(clip("a.nut", "-c:v", codec, "-pix_fmt", pixel_format, *extra, size=size, frames=1)).read())


def paint(frame: PictureFrame, box: Box, rgb: NDArray[np.float32], inside: NDArray[np.bool_]) -> None:
    """Make the region R'G'B' [h,w,3], from 0 to 1, wherever ``inside`` [h,w] is true."""
    change = np.where(inside[..., None], rgb - frame.roi_rgb(box), 0) * 65535
    frame.add_codes(box, cv2.split(change.astype(np.float32)), np.uint8(255) * inside)


@pytest.mark.parametrize("pixel_format", FORMATS)
def test_painting_touches_nothing_outside_the_mask(clip: Make, pixel_format: str) -> None:
    frame = one(clip, pixel_format)
    before = [p.copy() for p in frame.planes]
    box = Box(7, 5, 40, 36)
    rgb = frame.roi_rgb(box)
    inside = np.zeros(rgb.shape[:2], bool)
    inside[6:22, 4:25] = True
    paint(frame, box, rgb * 0.2 + 0.3, inside)
    for old, new in zip(before, frame.planes, strict=True):
        sy, sx = round(frame.size[1] / new.shape[0]), round(frame.size[0] / new.shape[1])
        changed = np.argwhere(old != new)
        assert len(changed) or (pixel_format == "gray" and new is not frame.planes[0])
        for y, x in changed:
            for py in range(y * sy, y * sy + sy):
                for px in range(x * sx, x * sx + sx):
                    assert inside[py - box.top, px - box.left]


@pytest.mark.parametrize("pixel_format", FORMATS)
def test_painting_back_what_was_seen_changes_no_value_that_is_one_pixels_own(clip: Make, pixel_format: str) -> None:
    frame = one(clip, pixel_format)
    before = [p.copy() for p in frame.planes]
    box = Box(0, 0, 65, 49)
    paint(frame, box, frame.roi_rgb(box), np.ones((49, 65), bool))
    for old, new in zip(before, frame.planes, strict=True):
        # Chroma that several pixels share loses the detail that its interpolation does not show.
        assert new.shape != frame.planes[0].shape or np.array_equal(old, new)


@pytest.mark.parametrize("pixel_format", [f for f in FORMATS if f != "gray"])
@pytest.mark.parametrize("tag", ["bt709", "smpte170m", "bt2020nc"])
def test_a_painted_colour_is_seen_again(clip: Make, pixel_format: str, tag: str) -> None:
    extra = () if pixel_format in {"gbrp", "rgb24"} else ("-vf", f"setparams=colorspace={tag}:range=tv")
    frame = one(clip, pixel_format, "64x48", extra)
    box = Box(8, 8, 40, 40)
    colour = np.array([0.8, 0.5, 0.4], np.float32)
    paint(frame, box, np.broadcast_to(colour, (32, 32, 3)), np.ones((32, 32), bool))
    assert np.abs(frame.roi_rgb(Box(12, 12, 36, 36)) - colour).max() < 0.012
    assert np.abs(frame.rgb()[12:36, 12:36] / 255.0 - colour).max() < 0.02


@pytest.mark.parametrize("block", [1, 2, 3, 7])
@pytest.mark.parametrize("pixel_format", FORMATS)
def test_a_region_shows_the_mean_of_each_block(clip: Make, pixel_format: str, block: int) -> None:
    frame = one(clip, pixel_format, extra=("-vf", "gblur=2"))
    box = Box(5, 3, 5 + 6 * block, 3 + 5 * block)
    whole = frame.roi_rgb(box).reshape(5, block, 6, block, 3).mean(axis=(1, 3))
    shown = frame.region(box, block)
    assert (shown.shape, shown.dtype) == ((5, 6, 3), np.uint8)
    error = np.abs(shown - 255 * whole.clip(0, 1))
    assert error.max() < (2 if block == 1 else 20)
    # Chroma is averaged over whole samples: three to a block of seven luma pixels.
    assert error.mean() < (3 if block == 7 else 2)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_regions_are_upright_whatever_the_rotation(clip: Make, make: Make, turn: int) -> None:
    plain = clip("plain.mp4", "-pix_fmt", "yuv444p", size="64x48", frames=1)
    path = make("turned.mp4", "-display_rotation", -turn, "-i", plain, "-c", "copy")
    shown = make("shown.mkv", "-i", path, "-c:v", "ffv1")  # The ffmpeg program turns the picture as players do.
    upright, turned = next(opened(shown).read()), next(opened(path).read())
    assert turned.size == upright.size
    box = Box(5, 9, 33, 40)
    assert np.abs(turned.roi_rgb(box) - upright.roi_rgb(box)).max() < 1e-5
    assert np.abs(turned.rgb().astype(int) - upright.rgb()).max() <= 1
    assert np.abs(turned.region(box, 4).astype(int) - upright.region(box, 4)).max() <= 2
    rgb = turned.roi_rgb(box)
    rgb[:10, :8] = 0.5
    paint(turned, box, rgb, np.ones(rgb.shape[:2], bool))
    assert np.abs(turned.roi_rgb(box) - rgb).max() < 0.01


@pytest.mark.parametrize("turn", [0, 90])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le", "yuv444p", "gbrp"])
def test_a_change_of_codes_is_the_change_that_is_seen_and_stays_inside_its_mask(
    clip: Make, make: Make, pixel_format: str, turn: int
) -> None:
    plain = clip("plain.mov", "-c:v", "ffv1", "-pix_fmt", pixel_format, "-vf", "gblur=3", size="64x48", frames=1)
    path = make("turned.mov", "-display_rotation", -turn, "-i", plain, "-c", "copy")
    frame = next(opened(path).read())
    box = Box(6, 10, 38, 34)
    seen, before = frame.roi_rgb(box), frame.codes(box)
    np.testing.assert_allclose(np.stack(before, -1) / 65535, np.clip(seen, 0, 1), atol=1e-5)
    mask = np.zeros(seen.shape[:2], np.uint8)
    mask[4:20, 4:28] = 255
    change = [np.where(mask > 0, np.float32(size), np.float32(0)) for size in (-6000, 3000, 4000)]
    frame.add_codes(box, change, mask)
    after = frame.roi_rgb(box)
    error = np.clip(after, 0, 1) - np.clip(seen + np.stack(change, -1) / 65535, 0, 1)
    assert np.abs(error[6:18, 8:24]).max() < 0.02
    np.testing.assert_array_equal(after[:2], seen[:2])
    np.testing.assert_array_equal(after[:, :1], seen[:, :1])


def test_painting_does_not_disturb_the_frames_that_follow(clip: Make) -> None:
    path = clip("a.mp4", frames=30)
    whole = decoded_planes(path)
    for frame in opened(path).read():
        if frame.index % 2:
            assert planes(frame) == whole[frame.index]
        else:
            paint(frame, Box(0, 0, 64, 48), np.zeros((48, 64, 3), np.float32), np.ones((48, 64), bool))


def test_a_box_outside_the_picture_is_refused(clip: Make) -> None:
    with pytest.raises(ValueError, match="not inside"):
        one(clip, "yuv420p").roi_rgb(Box(0, 0, 66, 10))


def test_untagged_pictures_follow_the_players_guess() -> None:
    assert colour_space(ColourTags(), "yuv420p", 8, 1080).matrix == "bt709"
    assert colour_space(ColourTags(), "yuv420p", 8, 480).matrix == "smpte170m"
