"""Paints every mouth of a job into its picture and encodes it, frame by frame."""

from collections import deque
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from dubbing.domain.media import Box, VideoInfo
from dubbing.faces.composite import Compositor, Patch
from dubbing.faces.grain import Grain
from dubbing.faces.guard import BROKEN, Signs, judge, remade, settled, shown
from dubbing.media.encode import EncodeSettings, PictureWriter
from dubbing.media.frames import FrameReader
from dubbing.media.pixels.picture import PictureFrame
from dubbing.media.prefetch import parallel_map, prefetch
from dubbing.queue.context import Context
from services.stitcher.mouths import GeneratedMouth
from services.stitcher.repaint import crop_box, grain_of, lay, patch_of
from services.stitcher.scoring import MouthMeter
from services.stitcher.sheet import Sheet

# Rows of the crop that the meter sees at least: landmarks get no finer with more. And how much of the picture around it, in
# parts of the crop: landmarks that see a face without its surroundings say nothing about how sure they are.
_SEEN = 320
_AROUND = 0.35
# Frames that are decoded while those before are painted, and painted while those before are encoded.
_PREFETCH = 4
# Frames that are painted at once: one painter alone, among the encoder's threads, keeps them waiting.
_PAINTERS = 2
# Frames on both sides of a broken mouth that pass through with it: single frames of another mouth would flicker.
_BESIDE = 3


class _Planned(NamedTuple):
    """A frame, what is to be laid over it and how that looks, whether its lips are others now, and the footage's grain."""

    frame: PictureFrame
    mouth: GeneratedMouth | None
    patch: Patch | None
    signs: Signs | None = None
    remade: bool = True
    grain: Grain | None = None

    @property
    def worst(self) -> float:
        """How bad it looks (`guard.Signs.worst`)."""
        return 0.0 if self.signs is None else self.signs.worst


def _beside(one: _Planned, other: _Planned) -> bool:
    """Whether two frames show the same track, hardly apart."""
    if one.mouth is None or other.mouth is None or one.mouth.track != other.mouth.track:
        return False
    return abs(one.frame.index - other.frame.index) <= _BESIDE


class _Painted(NamedTuple):
    """A frame, where in it a mouth was painted, if one was, and whether its lips are others now."""

    frame: PictureFrame
    mouth: Box | None
    remade: bool


class Painter:
    """Writes the new picture of one job.

    Args:
        video: the source's facts.
        size: side of the generated crops.
        settings: encoder settings.
        meter: measures what was painted.
        sheet: sees every frame before and after.
    """

    def __init__(self, video: VideoInfo, size: int, settings: EncodeSettings, meter: MouthMeter, sheet: Sheet) -> None:
        self._video = video
        self._settings = settings
        self._compositor = Compositor(size, video.colour.transfer)
        self._meter = meter
        self._sheet = sheet
        self.broken: dict[int, float] = {}
        """Frames whose mouths were broken, or beside such ones, and so not painted, with how bad they looked."""
        self._signs: dict[int, dict[int, Signs]] = {}  # by track and frame

    @property
    def doubtful(self) -> dict[int, float]:
        """Frames whose mouths were painted although they look doubtful, with how bad they look; once the meter has finished."""
        found: dict[int, float] = {}
        for signs in self._signs.values():
            # What one frame shows is no chance here: no encoder has touched it yet.
            single = {i: one.worst for i, one in signs.items() if one.worst > 1}
            beside = settled({i: one._replace(unsure=float(self._meter.unsure[i])) for i, one in signs.items()})
            found |= {i: max(single.get(i, 0.0), beside.get(i, 0.0)) for i in single | beside}
        return {frame: found[frame] for frame in sorted(found) if frame not in self.broken}

    def paint(self, reader: FrameReader, mouths: Iterator[GeneratedMouth], out: Path, context: Context) -> None:
        """Encode every frame of ``reader`` to ``out``, with ``mouths`` (by ascending frame) painted in."""
        with PictureWriter(out, self._video, self._settings) as writer:
            for frame in prefetch(self._painted(reader, mouths), _PREFETCH):
                writer.write(frame)
                context.progress(frame.index + 1, self._video.frames)

    def _painted(self, reader: FrameReader, mouths: Iterator[GeneratedMouth]) -> Iterator[PictureFrame]:
        """Every frame of ``reader``, with its mouth if it has one; sheet and meter see them in order."""
        planned = parallel_map(self._with_mouths(reader, mouths), self._plan, _PAINTERS)
        for frame, box, others in parallel_map(self._sound_ones(planned), self._lay, _PAINTERS):
            self._sheet.see(frame)
            if box is not None:
                block = max(1, (box.bottom - box.top) // _SEEN)
                self._meter.see(frame.index, partial(frame.region, _around(box, frame.size), block), block, doubting=others)
            yield frame

    def _with_mouths(
        self, reader: FrameReader, mouths: Iterator[GeneratedMouth]
    ) -> Iterator[tuple[PictureFrame, GeneratedMouth | None]]:
        coming = prefetch(mouths, _PREFETCH)
        waiting = next(coming, None)
        for frame in prefetch(reader.read(), _PREFETCH):
            self._sheet.see(frame)
            mouth = waiting if waiting is not None and waiting.frame == frame.index else None
            yield frame, mouth
            if mouth is not None:
                waiting = next(coming, None)

    def _plan(self, asked: tuple[PictureFrame, GeneratedMouth | None]) -> _Planned:
        frame, mouth = asked
        if mouth is None or crop_box(mouth.matrix, len(mouth.crop), frame.size) is None:
            return _Planned(frame, None, None)
        patch = patch_of(frame, mouth, self._compositor)
        grain = grain_of(frame, patch)
        if mouth.filmed is None:
            return _Planned(frame, mouth, patch, grain=grain)
        inside = shown(mouth.matrix, len(mouth.crop), frame.size)
        outline = mouth.filmed * (len(patch.before) / len(mouth.crop))
        signs = judge(patch.before, patch.after, outline, inside)
        if grain is not None:  # it is laid over the patch, which so is as rough as what was filmed
            signs = signs._replace(rough=max(signs.rough, 1.0))
        return _Planned(frame, mouth, patch, signs, remade(patch.before, patch.after, outline), grain)

    def _sound_ones(self, planned: Iterator[_Planned]) -> Iterator[_Planned]:
        """The frames in order, without the patches of broken mouths and of those beside them."""
        window: deque[_Planned] = deque()
        broken: _Planned | None = None  # the last frame whose mouth is
        for one in planned:
            window.append(one)
            if one.mouth is not None and one.signs is not None:
                self._signs.setdefault(one.mouth.track, {})[one.frame.index] = one.signs
            if one.worst > BROKEN:
                broken = one
                for near in window:
                    if _beside(near, one):
                        self._note(near)
            elif broken is not None and _beside(one, broken):
                self._note(one)
            if len(window) > _BESIDE:
                yield self._without(window.popleft())
        while window:
            yield self._without(window.popleft())

    def _note(self, one: _Planned) -> None:
        if one.patch is not None:
            self.broken[one.frame.index] = one.worst

    def _without(self, one: _Planned) -> _Planned:
        return one._replace(patch=None) if one.frame.index in self.broken else one

    def _lay(self, planned: _Planned) -> _Painted:
        frame, mouth, patch, grain = planned.frame, planned.mouth, planned.patch, planned.grain
        if mouth is not None and patch is not None and lay(frame, patch, self._compositor, grain):
            return _Painted(frame, crop_box(mouth.matrix, len(mouth.crop), frame.size), planned.remade)
        return _Painted(frame, None, planned.remade)


def _around(box: Box, picture: tuple[int, int]) -> Box:
    """The box and its surroundings, as far as the picture shows them."""
    across, down = (round(_AROUND * (high - low)) for low, high in ((box.left, box.right), (box.top, box.bottom)))
    right, bottom = min(box.right + across, picture[0]), min(box.bottom + down, picture[1])
    return Box(max(box.left - across, 0), max(box.top - down, 0), right, bottom)
