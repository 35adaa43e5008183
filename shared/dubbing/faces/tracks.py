"""From frames to face tracks, in one pass over a title and with memory for points only, never for pictures."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.faces import FaceTrack
from dubbing.domain.findings import Finding, FindingCode, FrameRange, frame_ranges
from dubbing.errors import NoFaceAnywhere
from dubbing.faces import landmarks as marks
from dubbing.faces.align import Frame
from dubbing.faces.detector import Face, FaceDetector

_SEARCH_EVERY: Final = 25  # frames between searches for further faces while one is followed
_BRIDGE: Final = 5  # longest gap in frames that is interpolated
# A frame is left out where the next one is within this part of the distance between the eyes of where the motion before leads.
# Halfway between its neighbours the face is then known to an eighth of it, below the tremble of the landmarks themselves.
_PREDICTED: Final = 0.03


@dataclass(frozen=True, eq=False)
class TrackedFace:
    """A track and where its face is.

    Attributes:
        track: what the rest of the platform knows of it.
        anchors: float64 [V, 3, 2], brows and nose for each of the track's V frames (input of `align.crop_transforms`).
        opening: float64 [V], mouth opening over the distance between the eyes; NaN where the face was not seen.
    """

    track: FaceTrack
    anchors: NDArray[np.float64]
    opening: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FacesFound:
    """The faces to dub, ordered by first frame and at most one at any time, and what the user should know."""

    faces: tuple[TrackedFace, ...]
    findings: tuple[Finding, ...]


@dataclass(eq=False)
class _Track:
    """One face while it is followed: its measures in each frame in which it was seen."""

    face: Face
    shot: int
    frames: list[int] = field(default_factory=list)
    anchors: list[NDArray[np.float64]] = field(default_factory=list)
    eyes: list[float] = field(default_factory=list)
    openings: list[float] = field(default_factory=list)
    left_out: set[int] = field(default_factory=set)
    prominence: float = 0.0

    def see(self, frame: int, face: Face) -> None:
        self.face = face
        self.frames.append(frame)
        self.anchors.append(marks.anchors(face.landmarks))
        self.eyes.append(float(marks.eye_distance(face.landmarks)))
        self.openings.append(float(marks.mouth_opening(face.landmarks)) / max(self.eyes[-1], 1e-6))
        self.prominence += self._area()

    def leave_out(self, frame: int) -> None:
        """The face was there, and where is told by the frames around."""
        self.left_out.add(frame)
        self.prominence += self._area()

    def leads_to(self, frame: int, face: Face) -> bool:
        """Whether the face is where its last two sightings lead."""
        (earlier, last), (was, now) = self.anchors[-2:], self.frames[-2:]
        expected = last + (last - earlier) * ((frame - now) / (now - was))
        return bool(np.abs(marks.anchors(face.landmarks) - expected).max() <= _PREDICTED * self.eyes[-1])

    def _area(self) -> float:
        return float(np.prod(self.face.box[2:] - self.face.box[:2]))

    @property
    def range(self) -> FrameRange:
        return FrameRange(start=self.frames[0], end=self.frames[-1] + 1)

    @property
    def size(self) -> float:
        return float(np.median(self.eyes))


class FaceTracker:
    """Follows the faces of a title, frame by frame.

    Args:
        detector: finds and follows faces in single frames.
        min_eyes: smallest median distance between the eyes, in pixels, that is worth dubbing.
        min_frames: shortest track; a shorter shot needs a face in every frame.
        sparse: leave out every other frame while all faces move steadily; their place there is interpolated, and so is
            their mouth's opening.
    """

    def __init__(self, detector: FaceDetector, *, min_eyes: float = 16.0, min_frames: int = 5, sparse: bool = False) -> None:
        self._detector = detector
        self._sparse = sparse
        self._held: Frame | None = None  # the frame before, not looked at yet
        self._min_eyes = min_eyes
        self._min_frames = min_frames
        self._frame = 0
        self._cuts: list[int] = []
        self._live: list[_Track] = []
        self._done: list[_Track] = []

    def push(self, frame: Frame, *, cut: bool = False, steady: bool = True) -> None:
        """Takes the next frame, as the detector does.

        Args:
            frame: the picture.
            cut: a shot starts with it.
            steady: it differs little from the one before; others are always looked at.
        """
        if cut or not self._cuts:
            self._look_back()
            self._cuts.append(self._frame)
            self._retire(self._live)
        if self._held is not None:
            self._catch_up(frame, steady=steady)
        elif self._sparse and steady and not self._searches() and self._steadily_followed():
            self._held = frame
        else:
            self._look(frame, self._detector.follow(frame, [t.face for t in self._live]))
        self._frame += 1

    def _catch_up(self, frame: Frame, *, steady: bool) -> None:
        """Look at the current frame, and at the one before unless every face is where its motion leads."""
        live = self._live
        found = self._detector.follow(frame, [t.face for t in live])
        pairs = list(zip(live, found, strict=True))
        if steady and all(face is not None and track.leads_to(self._frame, face) for track, face in pairs):
            self._held = None
            for track in live:
                track.leave_out(self._frame - 1)
        else:
            self._look_back()
            if self._live != live or None in found:
                found = self._detector.follow(frame, [t.face for t in self._live])
        self._look(frame, found)

    def _look(self, frame: Frame, found: Sequence[Face | None]) -> None:
        """Note where the faces are in the current frame, and search it when it is time to, or when none is followed."""
        self._see(found)
        if self._searches() or not any(t.frames[-1] == self._frame for t in self._live):
            self._search(frame, deep=self._searches())
        self._retire([t for t in self._live if self._frame - t.frames[-1] > _BRIDGE])

    def _look_back(self) -> None:
        """Look at the frame before after all."""
        if self._held is not None:
            held, self._held = self._held, None
            self._frame -= 1
            self._look(held, self._detector.follow(held, [t.face for t in self._live]))
            self._frame += 1

    def _searches(self) -> bool:
        return (self._frame - self._cuts[-1]) % _SEARCH_EVERY == 0

    def _steadily_followed(self) -> bool:
        """Every face was seen in the frame before, and a motion is known."""
        return bool(self._live) and all(len(t.frames) > 1 and t.frames[-1] == self._frame - 1 for t in self._live)

    def finish(self) -> FacesFound:
        """Ends the title.

        Returns:
            The most prominent face of each moment, and findings ``face_lost`` and ``speaker_ambiguous`` with their frames.

        Raises:
            NoFaceAnywhere: no face was found that is large and steady enough.
        """
        self._look_back()
        self._retire(self._live)
        usable = [t for t in self._done if self._usable(t)]
        if not usable:
            raise self._nothing()
        chosen = sorted(_most_prominent(usable), key=lambda t: t.frames[0])
        faces = tuple(_tracked(track, index) for index, track in enumerate(chosen))
        return FacesFound(faces, tuple(_findings(faces, usable, chosen, self._frame)))

    def _see(self, found: Sequence[Face | None]) -> None:
        taken: list[Face] = []
        for track, face in zip(self._live, found, strict=True):
            if face is not None and all(face.overlap(other) < 0.5 for other in taken):
                track.see(self._frame, face)
                taken.append(face)

    def _search(self, frame: Frame, *, deep: bool) -> None:
        seen = [track.face for track in self._live if track.frames[-1] == self._frame]
        for face in self._detector.find(frame, deep=deep, known=seen):
            overlaps = [track.face.overlap(face) for track in self._live]
            if max(overlaps, default=0.0) < 0.2:
                same = _Track(face, len(self._cuts) - 1)
                self._live.append(same)
            else:
                same = self._live[int(np.argmax(overlaps))]
            if not same.frames or same.frames[-1] < self._frame:
                same.see(self._frame, face)

    def _retire(self, tracks: list[_Track]) -> None:
        self._done += tracks
        self._live = [t for t in self._live if t not in tracks]

    def _usable(self, track: _Track) -> bool:
        ends = [*self._cuts[1:], self._frame]
        shot_length = ends[track.shot] - self._cuts[track.shot]
        return track.size >= self._min_eyes and len(track.frames) + len(track.left_out) >= min(self._min_frames, shot_length)

    def _nothing(self) -> NoFaceAnywhere:
        seen = f"{len(self._done)} candidates were rejected" if self._done else "no candidate was seen"
        largest = max((t.size for t in self._done), default=0.0)
        longest = max((len(t.frames) + len(t.left_out) for t in self._done), default=0)
        return NoFaceAnywhere(
            f"{self._frame} frames in {len(self._cuts)} shots were searched and {seen}; a face needs {self._min_eyes:g} pixels "
            f"between the eyes in {self._min_frames} frames (largest seen {largest:.1f} pixels, longest run {longest} frames).",
            where={"stage": "prepare", "pointer": "/video"},
            suggestions=(
                "Send a video in which the speaker's face is visible.",
                "Send a higher resolution if the face is small.",
                "Check that the picture is upright.",
            ),
            media={
                "frames": self._frame,
                "shots": len(self._cuts),
                "candidates": len(self._done),
                "largest_eye_distance": round(largest, 1),
                "longest_run": longest,
            },
        )


def track_faces(frames: Iterable[Frame], cuts: Iterable[int], tracker: FaceTracker) -> FacesFound:
    """Tracks a whole title whose shots are known.

    Args:
        frames: each as the detector takes it; read once.
        cuts: first frame of each shot.
        tracker: a fresh tracker.

    Raises:
        NoFaceAnywhere: see `FaceTracker.finish`.
    """
    starts = frozenset(cuts)
    for index, frame in enumerate(frames):
        tracker.push(frame, cut=index in starts)
    return tracker.finish()


def _most_prominent(tracks: list[_Track]) -> list[_Track]:
    """By area times presence, those that no more prominent one overlaps in time."""
    chosen: list[_Track] = []
    for track in sorted(tracks, key=lambda t: (-t.prominence, t.frames[0])):
        if all(track.range.end <= c.range.start or c.range.end <= track.range.start for c in chosen):
            chosen.append(track)
    return chosen


def _tracked(track: _Track, index: int) -> TrackedFace:
    """The track with its gaps filled by straight lines."""
    every = np.arange(track.range.start, track.range.end)
    seen = np.stack(track.anchors).reshape(len(track.frames), -1)
    filled = np.stack([np.interp(every, track.frames, column) for column in seen.T], axis=-1).reshape(-1, 3, 2)
    missing = sorted(set(every.tolist()) - set(track.frames) - track.left_out)
    value = FaceTrack(
        start=track.range.start, end=track.range.end, index=index, shot=track.shot, missing=tuple(missing), size=track.size
    )
    opening = np.interp(every, track.frames, track.openings)
    opening[np.array(missing, int) - track.range.start] = np.nan
    return TrackedFace(value, filled, opening)


def _findings(faces: tuple[TrackedFace, ...], usable: list[_Track], chosen: list[_Track], frames: int) -> Iterator[Finding]:
    shown = {i for f in faces for i in range(f.track.start, f.track.end)} - {i for f in faces for i in f.track.missing}
    lost = frame_ranges(set(range(frames)) - shown)
    if lost:
        yield Finding(
            code=FindingCode.FACE_LOST,
            detail=f"No face to dub in {sum(map(len, lost))} of {frames} frames; they pass through unchanged.",
            frames=lost,
        )
    rivals = frame_ranges(i for t in usable if t not in chosen for i in {*t.frames, *t.left_out})
    if rivals:
        yield Finding(
            code=FindingCode.SPEAKER_AMBIGUOUS,
            detail=f"More than one face in {sum(map(len, rivals))} frames; the most prominent one is dubbed.",
            frames=rivals,
        )
