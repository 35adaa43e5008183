"""What work takes: foreseen from its size, and corrected by what such work has taken here before.

The foreseen seconds say how the time grows with a film; how fast an installation is, its own finished items say. A pace is what
they took over what was foreseen, kept apart by kind, model, size of the picture, and whether other jobs ran beside: where
workers share processors, all of them are slower then.
"""

from collections.abc import Mapping, Sequence
from math import log2
from typing import Any, NamedTuple

from dubbing.domain.media import MediaInfo
from dubbing.domain.work import (
    PAYLOADS,
    CompareTask,
    EncodeFaceTask,
    EncodeResult,
    EncodeSpeechTask,
    InferTask,
    PrepareTask,
    ProbeResult,
    StitchTask,
    WorkKind,
)

LENGTH = "length"
"""Stands for a kind where a film's length is learned: frames over those that the bytes of ``SOUND`` or picture let expect."""
PICTURE, SOUND = "picture", "sound"
KEPT = 15
"""Measurements that are kept of each kind, model and size."""
# A picture of moderate quality; one channel of 16 bits at 48 kHz and 25 frames/s.
_BYTES_OF_A_FRAME = {PICTURE: 10_000, SOUND: 3_840}
_USUAL_RATE = 25
# Where only one of both was measured: on two cores all workers together are about half as fast as one of them.
_CROWDING = 2.0
_NEWER = 0.8
_LEAST, _MOST = 0.01, 100.0


class Cost(NamedTuple):
    """Seconds of one worker: for an item, for each frame (each megabyte for a probe), and more for each megapixel of it."""

    item: float
    each: float
    each_megapixel: float = 0.0


# Measured with `make bench-job` and `make bench-eta` on two CPU cores at 1080p (docs/results/performance.md). Of the large
# students the paper's figures on one H100, since ours have not been measured.
_COSTS = {
    (WorkKind.PROBE, ""): Cost(0.5, 0.03),
    (WorkKind.PREPARE, ""): Cost(0.6, 0.005, 0.0026),
    (WorkKind.COMPARE, ""): Cost(0.3, 0.0005),
    (WorkKind.ENCODE_FACE, "tiny"): Cost(0.3, 0.0025, 0.0006),
    (WorkKind.ENCODE_FACE, "1.3b"): Cost(0.5, 0.006, 0.0006),
    (WorkKind.ENCODE_FACE, "14b"): Cost(0.5, 0.006, 0.0006),
    (WorkKind.ENCODE_SPEECH, "tiny"): Cost(0.3, 0.001),
    (WorkKind.ENCODE_SPEECH, "1.3b"): Cost(0.3, 0.002),
    (WorkKind.ENCODE_SPEECH, "14b"): Cost(0.3, 0.002),
    (WorkKind.INFER, "tiny"): Cost(0.1, 0.0115),
    (WorkKind.INFER, "1.3b"): Cost(0.3, 1 / 31.58),
    (WorkKind.INFER, "14b"): Cost(0.5, 1 / 15.11),
    (WorkKind.STITCH, ""): Cost(1.5, 0.005, 0.009),
}
_CHUNK = 100
"""Frames of a usual chunk."""


class PaceKey(NamedTuple):
    """What is measured apart; ``size`` is the picture's area in doublings of a megapixel, 0 where that does not matter."""

    kind: str
    model: str = ""
    size: int = 0


class Measure(NamedTuple):
    """What one finished item tells: how long it took over what was foreseen."""

    key: PaceKey
    pace: float


def key_of(kind: WorkKind, preset: str, megapixels: float) -> PaceKey:
    """Where work of this kind is measured."""
    model = preset if (kind, preset) in _COSTS else ""
    depends = _COSTS[kind, model].each_megapixel > 0
    return PaceKey(kind, model, round(log2(max(megapixels, 0.01))) if depends else 0)


def foreseen(kind: WorkKind, preset: str, amount: float, megapixels: float, items: int = 1) -> float:
    """Seconds of one worker for ``amount`` frames (megabytes for a probe), on the machine that the costs were measured on."""
    cost = _COSTS[kind, preset if (kind, preset) in _COSTS else ""]
    return cost.item * items + amount * (cost.each + cost.each_megapixel * megapixels)


def chunks_in(frames: int) -> int:
    """How many chunks so many frames usually make."""
    return -(-frames // _CHUNK)


class MeasuredPace(NamedTuple):
    """How fast some kind of work is done, by itself and ``crowded`` among other jobs; None where that was not measured."""

    quiet: float | None = None
    crowded: float | None = None


class Paces(NamedTuple):
    """How fast an installation is, by what it measured, ``crowded`` by other jobs or not.

    An installation that is new is as fast as was foreseen.
    """

    measured: Mapping[PaceKey, MeasuredPace]
    crowded: bool = False

    def seconds(self, kind: WorkKind, preset: str, amount: float, megapixels: float, items: int = 1) -> float:
        """Seconds of one worker for ``amount`` frames (megabytes for a probe) here."""
        return foreseen(kind, preset, amount, megapixels, items) * self._pace(key_of(kind, preset, megapixels))

    def frames_of(self, picture_bytes: int, sound_bytes: int) -> int:
        """How many frames files of this size may have: a guess, until they are probed. Sound tells more, where there is any."""
        of, size = (SOUND, sound_bytes) if sound_bytes else (PICTURE, picture_bytes)
        known = self.measured.get(PaceKey(LENGTH, of), MeasuredPace())
        ratio = next((pace for pace in known if pace is not None), 1.0)
        return max(1, round(size / _BYTES_OF_A_FRAME[of] * ratio))

    def _pace(self, key: PaceKey) -> float:
        """That of the picture's size, else of the nearest size."""
        alike = [known for known in self.measured if (known.kind, known.model) == (key.kind, key.model)]
        if not alike:
            return _CROWDING if self.crowded else 1.0
        quiet, crowded = self.measured[min(alike, key=lambda known: abs(known.size - key.size))]
        if self.crowded:
            return crowded if crowded is not None else (quiet or 1.0) * _CROWDING
        return quiet if quiet is not None else (crowded or 1.0) / _CROWDING


def settled(paces: Sequence[float]) -> float:
    """One pace of several, newest first: their median, where each counts less than the newer one before it."""
    weighed = sorted((pace, _NEWER**age) for age, pace in enumerate(paces))
    half = sum(weight for _, weight in weighed) / 2
    for pace, weight in weighed:
        half -= weight
        if half <= 0:
            return pace
    return 1.0


def measures(kind: WorkKind, payload: Mapping[str, Any], result: Mapping[str, Any], seconds: float) -> list[Measure]:
    """What an item tells that took ``seconds``; nothing where its kind is not foreseen.

    Args:
        kind: of the item.
        payload: as it is stored.
        result: as it is stored.
        seconds: from claiming it to its end.
    """
    if kind is WorkKind.PROBE:
        return _of_probe(ProbeResult.model_validate(result).media, seconds)
    task = PAYLOADS[kind].model_validate(payload)
    if isinstance(task, InferTask):
        amount, megapixels = task.chunk.end - task.chunk.keep_from, 0.0
    elif isinstance(task, PrepareTask | EncodeFaceTask):
        amount, megapixels = size_of(task.source.media)
    elif isinstance(task, CompareTask | EncodeSpeechTask | StitchTask):
        amount, megapixels = size_of(task.video.media)
    else:
        return []
    if kind is WorkKind.ENCODE_FACE:
        amount = EncodeResult.model_validate(result).frames
    return [_measure(kind, getattr(task, "preset", ""), amount, megapixels, seconds)]


def _of_probe(media: MediaInfo, seconds: float) -> list[Measure]:
    found = [_measure(WorkKind.PROBE, "", media.size_bytes / 1e6, 0.0, seconds)]
    if media.size_bytes and (media.video is not None or media.audio is not None):
        of = SOUND if media.video is None else PICTURE
        frames = _USUAL_RATE * float(media.audio.duration) if media.video is None and media.audio else size_of(media)[0]
        found.append(Measure(PaceKey(LENGTH, of), _bounded(frames / (media.size_bytes / _BYTES_OF_A_FRAME[of]))))
    return found


def size_of(media: MediaInfo) -> tuple[int, float]:
    """Frames, and megapixels of each; (0, 0.0) without a picture."""
    video = media.video
    return (0, 0.0) if video is None else (video.frames, video.width * video.height / 1e6)


def _measure(kind: WorkKind, preset: str, amount: float, megapixels: float, seconds: float) -> Measure:
    return Measure(key_of(kind, preset, megapixels), _bounded(seconds / foreseen(kind, preset, amount, megapixels)))


def _bounded(pace: float) -> float:
    return min(max(pace, _LEAST), _MOST)
