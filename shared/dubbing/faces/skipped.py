"""What the user is told of frames that are not dubbed, and of a title in which none can be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from dubbing.domain.faces import FaceTrack
from dubbing.domain.findings import Finding, FindingCode, frame_ranges
from dubbing.errors import BadInput, FaceUpsideDown, NoFaceAnywhere

SHORTEST_SHOT: Final = 3  # frames; a mouth that is seen for less than an eighth of a second is not worth a seam
FEWEST: Final = 5  # frames in which a face must be seen; a shorter shot needs it in every one
SMALLEST: Final = 16.0  # pixels between the eyes
ON_ITS_HEAD: Final = 120.0  # degrees from upright


@dataclass(frozen=True)
class SkippedFrames:
    """A title's frames, as sets of their numbers, by the reason for which a face in them is not dubbed.

    Attributes:
        frames: length of the title.
        shots: its shots.
        seen: faces that were followed at all.
        largest: distance between the eyes of the largest, in pixels.
        longest: frames of the one that was seen longest.
        small, short, covered, cut_off, upside_down, flashes: the reasons.
        crowded: where more than one face could be dubbed.
    """

    frames: int
    shots: int
    seen: int
    largest: float
    longest: int
    small: set[int]
    short: set[int]
    covered: set[int]
    cut_off: set[int]
    upside_down: set[int]
    flashes: set[int]
    crowded: set[int]

    @property
    def only_hidden(self) -> bool:
        """Whether faces would be dubbed if their mouths were to be seen."""
        return len(self.covered | self.cut_off) > len(self.upside_down | self.short)


def skip_findings(passing: SkippedFrames, tracks: Sequence[FaceTrack]) -> Iterator[Finding]:
    """One finding for each reason, each frame under one reason, and one for the frames with several faces."""
    missing = {i for track in tracks for i in track.missing}
    dubbed = {i for track in tracks for i in range(track.start, track.end)} - missing
    left = set(range(passing.frames)) - dubbed
    for code, frames, sentence in (
        (FindingCode.FLASH, passing.flashes & missing, "A flash, or another picture inside a shot, in {n} of {all} frames"),
        (FindingCode.SHOT_TOO_SHORT, passing.short, f"Shots of fewer than {SHORTEST_SHOT} frames take {{n}} of {{all}} frames"),
        (FindingCode.FACE_UPSIDE_DOWN, passing.upside_down, "The face stands on its head in {n} of {all} frames"),
        (FindingCode.MOUTH_CUT_OFF, passing.cut_off, "The picture's edge cuts the mouth off in {n} of {all} frames"),
        (FindingCode.MOUTH_COVERED, passing.covered, "Something covers the mouth or the chin in {n} of {all} frames"),
        (
            FindingCode.FACE_TOO_SMALL,
            passing.small,
            f"The eyes are less than {SMALLEST:g} pixels apart in {{n}} of {{all}} frames",
        ),
        (FindingCode.FACE_LOST, left, "No face to dub in {n} of {all} frames"),
    ):
        here = frames & left
        left -= here
        if here:
            detail = f"{sentence.format(n=len(here), all=passing.frames)}; they pass through unchanged."
            yield Finding(code=code, detail=detail, frames=frame_ranges(here))
    if passing.crowded:
        yield _ambiguous(passing.crowded, tracks)


def _ambiguous(crowded: set[int], tracks: Sequence[FaceTrack]) -> Finding:
    changes = sum(one.shot == other.shot and one.end == other.start for one, other in pairwise(tracks))
    turns = f", and who that is changes {changes} times" if changes > 1 else ", and who that is changes once" if changes else ""
    detail = f"More than one face in {len(crowded)} frames; the most prominent one is dubbed{turns}."
    return Finding(code=FindingCode.SPEAKER_AMBIGUOUS, detail=detail, frames=frame_ranges(crowded))


def refusal(passing: SkippedFrames) -> BadInput:
    """The error for a title in which nothing can be dubbed, by the commonest reason."""
    if len(passing.upside_down) > max(len(passing.covered | passing.cut_off), len(passing.short)):
        return FaceUpsideDown(
            f"The faces stand on their heads in all {len(passing.upside_down)} frames that show one, from frame "
            f"{min(passing.upside_down)} on.",
            where={"stage": "prepare", "pointer": "/video", "frame": min(passing.upside_down)},
            suggestions=("Turn the picture by 180 degrees, or mend its rotation tag, and send it again.",),
            media={"frames": passing.frames, "upside_down": len(passing.upside_down)},
        )
    seen = f"{passing.seen} candidates were rejected" if passing.seen else "no candidate was seen"
    reasons = [
        f"the mouth is covered, or cannot be made out, in {len(passing.covered)} frames" if passing.covered else "",
        f"the picture's edge cuts the mouth off in {len(passing.cut_off)} frames" if passing.cut_off else "",
        f"{len(passing.short)} frames are in shots of fewer than {SHORTEST_SHOT}" if passing.short else "",
    ]
    return NoFaceAnywhere(
        f"{passing.frames} frames in {passing.shots} shots were searched and {seen}; a face needs {SMALLEST:g} pixels between "
        f"the eyes in {FEWEST} frames (largest seen {passing.largest:.1f} pixels, longest run {passing.longest} frames"
        + "".join(f"; {reason}" for reason in reasons if reason)
        + ").",
        where={"stage": "prepare", "pointer": "/video"},
        suggestions=(
            "Send a video in which the speaker's face is visible.",
            "Send a higher resolution if the face is small.",
            "Check that the picture is upright.",
        ),
        media={
            "frames": passing.frames,
            "shots": passing.shots,
            "candidates": passing.seen,
            "largest_eye_distance": round(passing.largest, 1),
            "longest_run": passing.longest,
            "covered": len(passing.covered),
            "cut_off": len(passing.cut_off),
        },
    )
