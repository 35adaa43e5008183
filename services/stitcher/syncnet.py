"""Sync-C, Sync-D and offset of a master's shots, where SyncNet's weights are at hand.

The metric is the published one (`lipforcing.syncnet`), on the pictures as they were encoded and the sound as it is delivered,
in whole 16-bit samples. Each face track that was dubbed is judged by itself, if it is as long and large as the published
evaluation asks for: more than 50 pictures of 25 a second, more than 100 pixels.

Choice: the metric knows 25 pictures a second only. At another rate picture k is the frame that is shown k / 25 s after the
track's first one, so a frame may be left out or come twice; the published path has ffmpeg do the same. The sound is cut to the
track, from the very sample at which its first frame is shown.

Legend: N places, R shifts.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from statistics import fmean, median_low

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.analysis import Analysis, TrackPath
from dubbing.domain.receipt import SyncMeasure, SyncNetScore
from dubbing.faces.align import Picture
from dubbing.faces.sync_crops import FaceBoxes, sync_crop
from dubbing.inference.syncnet import SyncNetClient
from dubbing.media.frames import FrameReader
from lipforcing.contract import SAMPLE_RATE, SYNCNET_FRAMES, SYNCNET_REACH, SYNCNET_STEP, syncnet_samples
from services.stitcher.scoring import Agreements

_FPS = 25
_LEAST_FRAMES = 50
_LEAST_SIDE = 100
# Places of one request: some ten megabytes of pictures.
_PLACES = 64
_FULL_SCALE = 32_768


@dataclass(frozen=True)
class Showing:
    """A master's picture and sound.

    Attributes:
        frames: reads the picture.
        times: seconds from the first sample at which each frame is shown, and at the end when the last one goes.
        sound: int16, 16 kHz mono.
    """

    frames: FrameReader
    times: list[Fraction]
    sound: NDArray[np.int16]


def whole_samples(samples: Iterable[NDArray[np.float32]], path: Path) -> NDArray[np.int16]:
    """A sound in whole 16-bit samples, in a file: a long one takes no memory."""
    with path.open("wb") as file:
        for piece in samples:
            file.write(np.rint(piece * _FULL_SCALE).clip(-_FULL_SCALE, _FULL_SCALE - 1).astype("<i2").tobytes())
    return np.memmap(path, "<i2", "r") if path.stat().st_size else np.zeros(0, np.int16)


def judge(
    syncnet: SyncNetClient, analysis: Analysis, dubbed: set[int], showing: Showing, check: Callable[[], None]
) -> dict[int, list[SyncNetScore]]:
    """Scores of the dubbed tracks that can be judged, by shot.

    Args:
        syncnet: judges.
        analysis: where the faces are.
        dubbed: numbers of the tracks that were painted.
        showing: the master.
        check: called before each request; ends the work by raising.

    Raises:
        ModelUnavailable, ChunkFailed: SyncNet does not answer, or refuses.
    """
    found: dict[int, list[SyncNetScore]] = {}
    for path in analysis.paths:
        if path.track.index in dubbed and (score := _track_score(syncnet, path, showing, check)) is not None:
            found.setdefault(path.track.shot, []).append(score)
    return found


def with_syncnet(agreements: Agreements, found: dict[int, list[SyncNetScore]]) -> Agreements:
    """The agreements with SyncNet's scores beside them; a language's and a shot's are the means over their tracks."""
    shots = tuple(shot.model_copy(update={"syncnet": _mean(found.get(shot.shot, []))}) for shot in agreements.shots)
    whole = _mean([score for scores in found.values() for score in scores])
    if whole is None:
        return agreements
    language = agreements.language.model_copy(update={"measure": SyncMeasure.SYNCNET, "syncnet": whole})
    return agreements._replace(shots=shots, language=language)


def _mean(scores: Sequence[SyncNetScore]) -> SyncNetScore | None:
    """The mean over tracks, as published; of their offsets, which are whole frames, the median."""
    if not scores:
        return None
    return SyncNetScore(
        frames=sum(one.frames for one in scores),
        confidence=round(fmean(one.confidence for one in scores), 3),
        distance=round(fmean(one.distance for one in scores), 3),
        offset_frames=median_low(one.offset_frames for one in scores),
    )


def _track_score(syncnet: SyncNetClient, path: TrackPath, showing: Showing, check: Callable[[], None]) -> SyncNetScore | None:
    track, times = path.track, showing.times
    start = times[track.start]
    ticks = [start + Fraction(k, _FPS) for k in range(int((times[track.end] - start) * _FPS))]
    shown = [bisect_right(times, tick, track.start, track.end) - 1 for tick in ticks]
    boxes = FaceBoxes.of(np.reshape(path.anchors, (-1, 3, 2))[[frame - track.start for frame in shown]])
    first = round(start * SAMPLE_RATE)
    sound = showing.sound[first : first + len(ticks) * SYNCNET_STEP]
    places = min(len(ticks), len(sound) // SYNCNET_STEP) - SYNCNET_FRAMES
    if len(ticks) <= _LEAST_FRAMES or places < 1 or boxes.side <= _LEAST_SIDE:
        return None
    sums_R = np.zeros(2 * SYNCNET_REACH + 1)
    begin = 0
    for pictures in _pieces(_crops(showing.frames, shown, boxes.smoothed()), places):
        check()
        count = len(pictures) - SYNCNET_FRAMES + 1
        sums_R += syncnet.distances(pictures, _waveform(sound, begin, count), (-begin, places - begin)).sum(axis=0)
        begin += count
    return _score(sums_R / places, len(ticks))


def _score(table_R: NDArray[np.float64], frames: int) -> SyncNetScore:
    least = int(table_R.argmin())
    return SyncNetScore(
        frames=frames,
        confidence=round(float(np.median(table_R) - table_R[least]), 3),
        distance=round(float(table_R[least]), 3),
        offset_frames=SYNCNET_REACH - least,
    )


def _crops(frames: FrameReader, shown: list[int], boxes: FaceBoxes) -> Iterator[Picture]:
    """The crop of every picture of the 25-a-second time line."""
    tick = 0
    for frame in frames.read(shown[0], shown[-1] + 1):
        while tick < len(shown) and shown[tick] == frame.index:
            yield sync_crop(frame, boxes.x_V[tick], boxes.y_V[tick], boxes.half_V[tick])
            tick += 1


def _pieces(crops: Iterator[Picture], places: int) -> Iterator[NDArray[np.uint8]]:
    """Pictures of up to `_PLACES` places each; every piece begins with the last four of the one before."""
    held = list(islice(crops, SYNCNET_FRAMES - 1))
    while places > 0 and (more := list(islice(crops, min(_PLACES, places)))):
        yield np.stack([*held, *more])
        held = [*held, *more][-(SYNCNET_FRAMES - 1) :]
        places -= len(more)


def _waveform(sound: NDArray[np.int16], begin: int, places: int) -> NDArray[np.float32]:
    """The sound of some places with what the contract asks for around it: silence beyond the track."""
    start, length = (begin - SYNCNET_REACH - 1) * SYNCNET_STEP, syncnet_samples(places)
    part = np.zeros(length, np.float32)
    low, high = max(start, 0), min(start + length, len(sound))
    if low < high:
        part[low - start : high - start] = sound[low:high].astype(np.float32) / _FULL_SCALE
    return part
