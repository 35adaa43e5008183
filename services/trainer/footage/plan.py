"""Which frames become a sample: clips of one face track, each with a reference that shares no frame with it.

A clip's reference shows the same person at another time, at least a second away: a reference that overlaps its clip would
show the student the very mouth that it is to infer from sound.
"""

from dataclasses import dataclass

import numpy as np

from dubbing.domain.findings import FrameRange

CLIP_FRAMES = 81
GAP = 25  # frames between clip and reference
_LEAST_REFERENCE = 25


@dataclass(frozen=True, slots=True)
class ClipPlan:
    """One clip and what it is shown as reference; ``reference`` is None where the track has no room for one."""

    clip: FrameRange
    reference: FrameRange | None


def plan_clips(track: FrameRange) -> list[ClipPlan]:
    """Clips of ``CLIP_FRAMES`` frames one after another; what is left at the track's end belongs to none.

    The reference is the stretch of the track that lies farthest from the clip, at most as long.
    """
    first_frames = range(track.start, track.end - CLIP_FRAMES + 1, CLIP_FRAMES)
    clips = [FrameRange(start=start, end=start + CLIP_FRAMES) for start in first_frames]
    return [ClipPlan(clip, _reference(track, clip)) for clip in clips]


def _reference(track: FrameRange, clip: FrameRange) -> FrameRange | None:
    before, after = clip.start - GAP - track.start, track.end - clip.end - GAP
    length = min(CLIP_FRAMES, max(before, after))
    if length < _LEAST_REFERENCE:
        return None
    start = track.start if before >= after else track.end - length
    return FrameRange(start=start, end=start + length)


def filled(frames: FrameRange, count: int = CLIP_FRAMES) -> list[int]:
    """``count`` frame numbers from a range that may be shorter: forwards, backwards, forwards again."""
    return [int(i) for i in np.pad(np.arange(frames.start, frames.end), (0, count - len(frames)), mode="reflect")]


def gap_between(clip: FrameRange, reference: FrameRange) -> int:
    """Frames between the two; negative where they overlap."""
    return max(reference.start - clip.end, clip.start - reference.end)
