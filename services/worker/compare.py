"""COMPARE: at which frames a track sounds otherwise than the one of an earlier revision."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from math import inf, log10
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.findings import Finding, FindingCode, FrameRange, frame_ranges
from dubbing.domain.media import AudioInfo
from dubbing.domain.work import CompareResult, CompareTask, LaidSound
from dubbing.errors import NotAudio
from dubbing.media.container import naming
from dubbing.media.mono import SPEECH_RATE, mono_windows
from dubbing.queue.context import Context
from dubbing.storage.sources import SourceCache
from services.worker.laid_sound import frame_times, level_of, plan_of

# Of full scale: above the dither of a new export at 16 bits, and far below what is heard.
_AUDIBLE = 2.0**-13
# Seconds around a changed sample within which mouths follow from it: the speech encoder hears that far.
_REACH = 3
_MOST_DB = 1.0
# Samples, 10 ms: places of changes are kept no finer.
_STEP = SPEECH_RATE // 100
_PER_SECOND = SPEECH_RATE // _STEP
_REPORT = 10 * _PER_SECOND


class CompareHandler:
    """Handler of ``compare`` items."""

    def __init__(self, sources: SourceCache) -> None:
        self._sources = sources

    def __call__(self, task: CompareTask, context: Context) -> CompareResult:
        """Compare the tracks sample by sample at 16 kHz, as they lie to the picture.

        A track whose level differs by more than 1 dB is heard otherwise everywhere: all is generated again, at its own level.
        """
        if _same(task.sound, task.base):
            return CompareResult(changed=(), level=task.level)
        times = frame_times(self._sources, task.video, Fraction(0))
        whole = (FrameRange(start=0, end=len(times)),) if times else ()
        with ExitStack() as stack:
            new, old = (self._opened(stack, laid) for laid in (task.sound, task.base))
            level = task.level or level_of(old.path, old.info, plan_of(old.info, task.base.lead))
            own = level_of(new.path, new.info, plan_of(new.info, task.sound.lead))
            difference = _decibels(own[1], level[1])
            if abs(difference) > _MOST_DB:
                return CompareResult(changed=whole, level=None, findings=(_louder(difference),))
            if (task.sound.picture_after - task.base.picture_after) * SPEECH_RATE % 1:
                return CompareResult(changed=whole, level=level)
            moments = _changes(new.pieces(task.sound), old.pieces(task.base))
            changed = _reached(_with_progress(moments, times, context), times)
            return CompareResult(changed=frame_ranges(changed), level=level)

    def _opened(self, stack: ExitStack, laid: LaidSound) -> "_OpenTrack":
        info = laid.source.media.audio
        if info is None:
            raise NotAudio(f"{laid.source.filename} has no audio stream.", where={"pointer": "/audio"})
        path = stack.enter_context(self._sources.open(laid.source.key, laid.source.sha256))
        stack.enter_context(naming(laid.source.filename, "audio"))
        return _OpenTrack(path, info)


def _same(one: LaidSound, other: LaidSound) -> bool:
    """Whether both are the same sound of the same file, laid alike."""
    first, second = ((laid.source.sha256, laid.source.media.audio, laid.lead, laid.picture_after) for laid in (one, other))
    return first == second


class _Piece(NamedTuple):
    """10 ms of sound; piece 0 begins with the first frame."""

    number: int
    samples: NDArray[np.float32]


class _OpenTrack(NamedTuple):
    path: Path
    info: AudioInfo

    def pieces(self, laid: LaidSound) -> Iterator[_Piece]:
        """The track in pieces on the time line of the picture; silence comes before it where it begins inside of one."""
        number, late = divmod(-round(laid.picture_after * SPEECH_RATE), _STEP)
        held = np.zeros(late, np.float32)
        for window in mono_windows(self.path, self.info, SPEECH_RATE, plan_of(self.info, laid.lead)):
            held = np.concatenate([held, window])
            whole = len(held) // _STEP
            for samples in held[: whole * _STEP].reshape(whole, _STEP):
                yield _Piece(number, samples)
                number += 1
            held = held[whole * _STEP :]
        if len(held):
            yield _Piece(number, held)


def _changes(new: Iterator[_Piece], old: Iterator[_Piece]) -> Iterator[tuple[int, bool]]:
    """(number, whether it differs) of every piece that one of the tracks has; beyond a track's ends there is silence."""
    one, other = next(new, None), next(old, None)
    while one is not None or other is not None:
        number = min(piece.number for piece in (one, other) if piece is not None)
        difference = np.zeros(_STEP, np.float32)
        if one is not None and one.number == number:
            difference[: len(one.samples)] += one.samples
            one = next(new, None)
        if other is not None and other.number == number:
            difference[: len(other.samples)] -= other.samples
            other = next(old, None)
        yield number, bool(np.abs(difference).max() > _AUDIBLE)


def _with_progress(moments: Iterator[tuple[int, bool]], times: list[Fraction], context: Context) -> Iterator[int]:
    """The numbers of the pieces that differ."""
    for number, differs in moments:
        if number % _REPORT == 0:
            context.progress(min(max(0, bisect_left(times, Fraction(number, _PER_SECOND))), len(times)), len(times))
        if differs:
            yield number


def _reached(pieces: Iterator[int], times: list[Fraction]) -> Iterator[int]:
    """The frames that are shown at some moment within `_REACH` of a piece."""
    for run in frame_ranges(pieces):
        first = bisect_right(times, Fraction(run.start, _PER_SECOND) - _REACH) - 1
        last = bisect_left(times, Fraction(run.end, _PER_SECOND) + _REACH)
        yield from range(max(0, first), last)


def _decibels(level: float, base: float) -> float:
    """How much louder ``level`` is; silence is as loud as silence, and nothing else is."""
    if not level or not base:
        return 0.0 if level == base else inf
    return 20 * log10(level / base)


def _louder(difference: float) -> Finding:
    return Finding(
        code=FindingCode.LEVEL_CHANGED,
        detail=f"The track is {abs(difference):.1f} dB {'louder' if difference > 0 else 'quieter'} than the first revision's:"
        " every mouth was generated again.",
    )
