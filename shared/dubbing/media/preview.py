"""The contact sheet: for some frames the source's face above the result's, one whole pair, and the new sound's waveform."""

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from dubbing.domain.media import AudioInfo, Box, SyncPlan, VideoInfo
from dubbing.domain.timecode import to_timecode
from dubbing.media.mono import envelope, mono_samples
from dubbing.media.pixels.picture import PictureFrame

_TILE, _GAP, _WAVE, _TEXT, _LABEL = 192, 8, 96, 18, 64
_GROUND, _INK, _DIM, _ACCENT = (22, 24, 29), (232, 234, 237), (139, 146, 158), (94, 178, 255)
_CONTEXT = 1.6  # A face crop shows this many times the face's box.


def spread(frames: Sequence[int], count: int) -> list[int]:
    """Up to ``count`` of the frames, evenly spaced, the middle of each part."""
    count = min(count, len(frames))
    return [frames[(2 * i + 1) * len(frames) // (2 * count)] for i in range(count)]


class SheetColumn(NamedTuple):
    """One column of the sheet: a frame's face in the source and in the result, as `tile` makes them."""

    frame: int
    source: Image.Image
    result: Image.Image


class SheetSound(NamedTuple):
    """The new sound: its file, its facts, and how it is used."""

    sound: Path
    info: AudioInfo | None
    plan: SyncPlan


def contact_sheet(
    video: VideoInfo, columns: Sequence[SheetColumn], wholes: tuple[Image.Image, Image.Image], track: SheetSound
) -> bytes:
    """Draw the sheet as PNG.

    Args:
        video: the source's facts.
        columns: the faces to show, ascending.
        wholes: one whole frame of the source and of the result, as `whole` makes them.
        track: the new sound.
    """
    if not columns:
        raise ValueError("no frames to show")
    width = _LABEL + len(columns) * (_TILE + _GAP) + wholes[0].width + 2 * _GAP
    height = 2 * (_TILE + _GAP) + _TEXT + _WAVE + 3 * _GAP
    sheet = Image.new("RGB", (width, height), _GROUND)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(12)
    for top, label, picture in ((_GAP, "source", wholes[0]), (_TILE + 2 * _GAP, "result", wholes[1])):
        draw.text((_GAP, top + _TILE // 2 - 8), label, _INK, font)
        for column, shown in enumerate(columns):
            sheet.paste(shown.source if label == "source" else shown.result, (_LABEL + column * (_TILE + _GAP), top))
        sheet.paste(picture, (width - picture.width - _GAP, top + (_TILE - picture.height) // 2))
    below = 2 * (_TILE + _GAP) + _GAP
    for column, shown in enumerate(columns):
        draw.text((_LABEL + column * (_TILE + _GAP), below), to_timecode(shown.frame, video.fps), _DIM, font)
    strip = (_LABEL, below + _TEXT + _GAP, width - _GAP, below + _TEXT + _GAP + _WAVE)
    draw.text((_GAP, (strip[1] + strip[3]) // 2 - 8), "sound", _INK, font)
    if track.info is not None:
        plan, bins = track.plan, strip[2] - strip[0]
        seconds = Fraction(max(plan.samples, 1), plan.sample_rate)
        marks = [(plan.picture_after + Fraction(2 * shown.frame + 1, 2) / video.fps) / seconds for shown in columns]
        levels = envelope(track.sound, track.info, bins, mono_samples(plan.samples, plan.sample_rate), plan)
        _waveform(draw, strip, levels, marks)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def _whole_size(video: VideoInfo) -> tuple[int, int]:
    """Size of the whole frame in the sheet, as a player would show it: with its pixels' aspect."""
    width, height = video.upright_size
    aspect = video.sample_aspect_ratio if video.rotation % 180 == 0 else 1 / video.sample_aspect_ratio
    shown = float(width * aspect / height)
    size = (_TILE * 16 / 9, _TILE * 16 / 9 / shown) if shown > 16 / 9 else (_TILE * shown, _TILE)
    return max(2, round(size[0])), max(2, round(size[1]))


def whole(picture: PictureFrame, video: VideoInfo) -> Image.Image:
    """All of a frame, as large as the sheet shows it."""
    return Image.fromarray(picture.rgb(_whole_size(video)))


def tile(picture: PictureFrame, box: Box | None) -> Image.Image:
    """A face's surroundings as a square tile; what lies outside the picture stays dark.

    Args:
        picture: the frame.
        box: the face in the upright picture; the whole frame by default.
    """
    width, height = picture.size
    box = box or Box(0, 0, width, height)
    side = max(2, round(max(box.right - box.left, box.bottom - box.top) * (_CONTEXT if box != (0, 0, width, height) else 1)))
    left, top = (box.left + box.right - side) // 2, (box.top + box.bottom - side) // 2
    inside = Box(max(0, left), max(0, top), min(width, left + side), min(height, top + side))
    block = max(1, side // (2 * _TILE))  # twice as fine as the tile is fine enough to resample from
    square = Image.new("RGB", (-(-side // block),) * 2, _GROUND)
    square.paste(Image.fromarray(picture.region(inside, block)), ((inside.left - left) // block, (inside.top - top) // block))
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
