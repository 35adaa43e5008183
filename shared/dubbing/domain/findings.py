"""What is told about a source, a track or a master: lost, changed or guessed, each once and with a stable code.

A finding stops nothing. It stands in the job's warnings and in the receipt; `docs/reference/api.md` lists every code.
"""

from collections.abc import Iterable
from enum import StrEnum
from itertools import groupby

from pydantic import Field

from dubbing.domain.frozen import Frozen


class FrameRange(Frozen):
    """Frames ``start`` <= i < ``end``."""

    start: int
    end: int

    def __len__(self) -> int:
        """Number of frames."""
        return self.end - self.start


def frame_ranges(frames: Iterable[int]) -> tuple[FrameRange, ...]:
    """Frame numbers, in any order, as maximal ranges, ascending."""
    # In a run of consecutive numbers, all are equally far from their places in the list.
    runs = groupby(enumerate(sorted(set(frames))), key=lambda placed: placed[1] - placed[0])
    numbers = ([frame for _, frame in run] for _, run in runs)
    return tuple(FrameRange(start=run[0], end=run[-1] + 1) for run in numbers)


class FindingCode(StrEnum):
    """Every code that a finding can have."""

    # Faces
    FACE_LOST = "face_lost"
    FACE_TOO_SMALL = "face_too_small"
    FACE_UPSIDE_DOWN = "face_upside_down"
    MOUTH_COVERED = "mouth_covered"
    MOUTH_CUT_OFF = "mouth_cut_off"
    MOUTH_BROKEN = "mouth_broken"
    MOUTH_DOUBTFUL = "mouth_doubtful"
    PAINTED_OUTSIDE = "painted_outside"
    SYNC_LOST = "sync_lost"
    FLASH = "flash"
    SHOT_TOO_SHORT = "shot_too_short"
    SPEAKER_AMBIGUOUS = "speaker_ambiguous"
    # Which of several things was taken
    PICTURE_CHOSEN = "picture_chosen"
    SOUND_CHOSEN = "sound_chosen"
    SOUND_JOINED = "sound_joined"
    LAYOUT_UNKNOWN = "layout_unknown"
    LAYOUT_CHANGED = "layout_changed"
    # When things happen
    PICTURE_STARTS_LATE = "picture_starts_late"
    SOUND_STARTS_LATE = "sound_starts_late"
    LEVEL_CHANGED = "level_changed"
    START_NOT_KEPT = "start_not_kept"
    LAID_FROM_PICTURE = "laid_from_picture"
    PICTURE_HOLE = "picture_hole"
    SOUND_HOLE = "sound_hole"
    SOUND_DRIFTS = "sound_drifts"
    TIMES_REPAIRED = "times_repaired"
    TIMES_GUESSED = "times_guessed"
    # The sound
    SOUND_SILENT = "sound_silent"
    SOUND_LOSSY = "sound_lossy"
    SOUND_DEPTH_REDUCED = "sound_depth_reduced"
    # What the master does not carry
    ALPHA_LOST = "alpha_lost"
    INTERLACING_LOST = "interlacing_lost"
    HDR_METADATA_LOST = "hdr_metadata_lost"
    DEPTH_REDUCED = "depth_reduced"
    COLOUR_CONVERTED = "colour_converted"
    TIMECODE_LOST = "timecode_lost"
    METADATA_LOST = "metadata_lost"
    TRACKS_LOST = "tracks_lost"
    SUBTITLES_LOST = "subtitles_lost"
    CHAPTERS_LOST = "chapters_lost"
    PICTURES_LOST = "pictures_lost"


class Finding(Frozen):
    """One thing that is told, in a sentence and with its place.

    Attributes:
        code: one of `FindingCode`; an older installation may have written others.
        detail: what was found, with the values that matter.
        frames: where in the picture, if it is about frames.
    """

    code: str
    detail: str
    frames: tuple[FrameRange, ...] = Field(default=())
