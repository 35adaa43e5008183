"""The contact sheet: for some frames the source's face above the result's, one whole pair, and the new sound's waveform."""

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from dubbing.domain.media import Box, SyncPlan, VideoInfo
from dubbing.media.frames import FrameReader
from dubbing.media.picture import PictureFrame
from dubbing.media.sound import envelope, mono_samples
from dubbing.media.timecode import to_timecode

_TILE, _GAP, _WAVE, _TEXT, _LABEL = 192, 8, 96, 18, 64
_GROUND, _INK, _DIM, _ACCENT = (22, 24, 29), (232, 234, 237), (139, 146, 158), (94, 178, 255)
_CONTEXT = 1.6  # A face crop shows this many times the face's box.


def spread(frames: Sequence[int], count: int) -> list[int]:
    """Up to ``count`` of the frames, evenly spaced, the middle of each part."""
    count = min(count, len(frames))
    return [frames[(2 * i + 1) * len(frames) // (2 * count)] for i in range(count)]


def contact_sheet(
    source: FrameReader,
    result: FrameReader,
    faces: Sequence[tuple[int, Box | None]],
    sound: Path,
    plan: SyncPlan,
) -> bytes:
    """Draw the sheet as PNG.

    Args:
        source: reader of the source.
        result: reader of the delivery file.
        faces: the frames to show, ascending, each with the face's box in the upright picture (None: the whole frame).
        sound: the new sound.
        plan: what of it is used.
    """
    if not faces:
        raise ValueError("no frames to show")
    columns = len(faces)
    whole = _whole_size(source.video)
    width = _LABEL + columns * (_TILE + _GAP) + whole[0] + 2 * _GAP
    height = 2 * (_TILE + _GAP) + _TEXT + _WAVE + 3 * _GAP
    sheet = Image.new("RGB", (width, height), _GROUND)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(12)
    rows = ((_GAP, "source", source), (_TILE + 2 * _GAP, "result", result))
    middle = columns // 2
    for top, label, reader in rows:
        draw.text((_GAP, top + _TILE // 2 - 8), label, _INK, font)
        pictures = reader.pick([frame for frame, _ in faces])
        for column, (picture, (_, box)) in enumerate(zip(pictures, faces, strict=True)):
            sheet.paste(_tile(picture, box), (_LABEL + column * (_TILE + _GAP), top))
            if column == middle:
                left = width - whole[0] - _GAP
                sheet.paste(Image.fromarray(picture.rgb(whole)), (left, top + (_TILE - whole[1]) // 2))
    below = 2 * (_TILE + _GAP) + _GAP
    for column, (frame, _) in enumerate(faces):
        draw.text((_LABEL + column * (_TILE + _GAP), below), to_timecode(frame, source.video.fps), _DIM, font)
    strip = (_LABEL, below + _TEXT + _GAP, width - _GAP, below + _TEXT + _GAP + _WAVE)
    draw.text((_GAP, (strip[1] + strip[3]) // 2 - 8), "sound", _INK, font)
    marks = [Fraction(2 * frame + 1, 2) / source.video.fps / source.video.duration for frame, _ in faces]
    _waveform(draw, strip, envelope(sound, strip[2] - strip[0], mono_samples(plan.samples, plan.sample_rate), plan), marks)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _whole_size(video: VideoInfo) -> tuple[int, int]:
    """Size of the whole frame in the sheet, as a player would show it: with its pixels' aspect."""
    width, height = video.upright_size
    aspect = video.sample_aspect_ratio if video.rotation % 180 == 0 else 1 / video.sample_aspect_ratio
    shown = float(width * aspect / height)
    size = (_TILE * 16 / 9, _TILE * 16 / 9 / shown) if shown > 16 / 9 else (_TILE * shown, _TILE)
    return max(2, round(size[0])), max(2, round(size[1]))


def _tile(picture: PictureFrame, box: Box | None) -> Image.Image:
    """The face's surroundings as a square tile; what lies outside the picture stays dark."""
    width, height = picture.size
    box = box or Box(0, 0, width, height)
    side = max(2, round(max(box.right - box.left, box.bottom - box.top) * (_CONTEXT if box != (0, 0, width, height) else 1)))
    left, top = (box.left + box.right - side) // 2, (box.top + box.bottom - side) // 2
    inside = Box(max(0, left), max(0, top), min(width, left + side), min(height, top + side))
    pixels: NDArray[np.uint8] = picture.rgb()[inside.top : inside.bottom, inside.left : inside.right]
    square = Image.new("RGB", (side, side), _GROUND)
    square.paste(Image.fromarray(pixels), (inside.left - left, inside.top - top))
    return square.resize((_TILE, _TILE), Image.Resampling.LANCZOS)


def _waveform(
    draw: ImageDraw.ImageDraw, strip: tuple[int, int, int, int], peaks: NDArray[np.float32], marks: Sequence[Fraction]
) -> None:
    """Peaks as mirrored bars, scaled to the loudest, with a line at each shown frame."""
    left, top, right, bottom = strip
    centre, half = (top + bottom) // 2, (bottom - top) // 2
    loudest = max(float(peaks.max(initial=0.0)), 1e-3)
    for mark in marks:
        x = left + int(mark * (right - left))
        draw.line((x, top, x, bottom), (58, 63, 73))
    for x, peak in enumerate(peaks):
        reach = int(half * float(peak) / loudest)
        draw.line((left + x, centre - reach, left + x, centre + reach), _ACCENT)
