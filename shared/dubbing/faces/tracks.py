"""From followed faces to the tracks that are dubbed, and what the user should know about the rest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.faces import FaceTrack, Shot
from dubbing.domain.findings import Finding, FrameRange
from dubbing.faces.follow import BRIDGE, Followed, Series
from dubbing.faces.mouth_occlusion import captioned, cut_off, filled_in, occluded_frames, under_a_hand
from dubbing.faces.skipped import FEWEST, ON_ITS_HEAD, SHORTEST_SHOT, SMALLEST, SkippedFrames, refusal, skip_findings
from dubbing.faces.speakers import Presence, turns
from dubbing.faces.stabilise import filled, stabilised

# Frames around a covered mouth in which the hand is on its way.
_MARGIN: Final = 2


@dataclass(frozen=True, eq=False)
class TrackedFace:
    """A track and where its face is.

    Attributes:
        track: what the rest of the platform knows of it.
        anchors: float64 [V, 3, 2], brows and nose for each of the track's V frames, steady (input of `align.crop_transforms`).
        landmarks: the same as landmarks alone have them: how they tremble tells how sure they are.
        outline: float64 [V, 35, 2], the face's outline in its own units (`dubbing.faces.outline`).
        opening: float64 [V], mouth opening over the distance between the eyes; NaN where the face was not seen.
        doubt: float64 [V], how far the mouth is guessed (`mouth_occlusion.doubt`); NaN where it was never measured.
    """

    track: FaceTrack
    anchors: NDArray[np.float64]
    landmarks: NDArray[np.float64]
    outline: NDArray[np.float64]
    opening: NDArray[np.float64]
    doubt: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FacesFound:
    """The faces to dub, ordered by first frame and at most one at any time, and what the user should know."""

    faces: tuple[TrackedFace, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, eq=False)
class _Face:
    """One followed face inside its shot, frame by frame from its first sighting to its last."""

    followed: Followed
    shot: Shot

    @cached_property
    def frames(self) -> NDArray[np.intp]:
        return np.arange(self.followed.range.start, self.followed.range.end)

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Where the face is: seen, or left out between sightings."""
        places = [frame - self.frames[0] for frame in (*self.followed.seen, *self.followed.left_out)]
        return np.isin(np.arange(len(self.frames)), places)

    @cached_property
    def occluded(self) -> NDArray[np.bool_]:
        hidden = occluded_frames(self._sparse("texture"), self._sparse("doubt"), self._sparse("likeness"), self.size)
        for part in self.followed.occlusions.found:
            hidden |= (self.frames >= part.start - _MARGIN) & (self.frames < part.end + _MARGIN)
        return hidden | captioned(self._sparse("foreign")) | under_a_hand(self._sparse("hand"))

    @cached_property
    def cut_off(self) -> NDArray[np.bool_]:
        """Where the picture's edge cuts its mouth off."""
        return cut_off(self._sparse("outside"))

    @cached_property
    def upside_down(self) -> NDArray[np.bool_]:
        """Where it stands on its head; between sightings, as at the last one."""
        seen = np.array(list(self.followed.seen))
        rolls = np.array([sighting.roll for sighting in self.followed.seen.values()])
        return np.asarray(np.abs(rolls[np.searchsorted(seen, self.frames, side="right") - 1]) > ON_ITS_HEAD)

    @property
    def size(self) -> float:
        return float(np.median([sighting.eyes for sighting in self.followed.seen.values()]))

    @property
    def lasts(self) -> bool:
        """Whether it is seen long enough to be more than a mistake."""
        return int(self.known.sum()) >= min(FEWEST, len(self.shot))

    def every(self, measure: str) -> NDArray[np.float64]:
        """A measure in every frame, by straight lines between sightings."""
        values = np.array([getattr(sighting, measure) for sighting in self.followed.seen.values()])
        flat = values.reshape(len(values), -1)
        filled = [np.interp(self.frames, list(self.followed.seen), column) for column in flat.T]
        return np.stack(filled, axis=-1).reshape(len(self.frames), *values.shape[1:])

    @cached_property
    def doubt(self) -> Series:
        """How far its mouth is guessed in every frame, by straight lines between the sightings that were asked."""
        doubt = self._sparse("doubt")
        return filled_in(doubt) if np.isfinite(doubt).any() else doubt

    def _sparse(self, measure: str) -> Series:
        seen = self.followed.seen
        return np.array([getattr(seen[f], measure) if f in seen else np.nan for f in self.frames.tolist()])

    def places(self, mask: NDArray[np.bool_]) -> set[int]:
        return set(self.frames[mask & self.known].tolist())


@dataclass(frozen=True, eq=False)
class _Part:
    """Frames of one face with no gap longer than can be bridged."""

    face: _Face
    start: int
    end: int
    usable: NDArray[np.bool_]  # for each frame from start to end

    @property
    def presence(self) -> Presence:
        first = self.start - int(self.face.frames[0])
        return Presence(self.start, self.face.every("area")[first : first + self.end - self.start])


def choose_faces(followed: Sequence[Followed], shots: Sequence[Shot], fps: Fraction) -> FacesFound:
    """The tracks that are dubbed.

    No track crosses a cut. Frames in which a mouth is covered or cut off, or a face stands on its head, are not painted. There
    may be no track at all: a title whose mouths are all hidden needs none, and is delivered as it was filmed.

    Args:
        followed: every face that was followed, each inside one shot.
        shots: all of the title's, in order.
        fps: the source's frame rate.

    Raises:
        FaceUpsideDown: every face that could be dubbed stands on its head.
        NoFaceAnywhere: no face was found that is large, clear and steady enough.
    """
    faces = [_Face(one, _shot_of(one, shots)) for one in followed]
    large = [face for face in faces if face.lasts and face.size >= SMALLEST]
    parts = [part for face in large if not _too_short(face.shot, shots) for part in _parts(face)]
    chosen: list[tuple[_Part, FrameRange]] = []
    for shot in shots:
        inside = [part for part in parts if part.face.shot is shot]
        chosen += [(inside[turn.face], turn.frames) for turn in turns([part.presence for part in inside], fps)]
    tracked = sorted((one for one in (_tracked(*turn) for turn in chosen) if one is not None), key=lambda one: one.track.start)
    passing = _passing(faces, large, parts, shots)
    if not tracked and not passing.only_hidden:
        raise refusal(passing)
    numbered = tuple(_numbered(one, index) for index, one in enumerate(tracked))
    return FacesFound(numbered, tuple(skip_findings(passing, [face.track for face in numbered])))


def _shot_of(one: Followed, shots: Sequence[Shot]) -> Shot:
    start = one.range.start
    return next(shot for shot in shots if shot.start <= start < shot.end)


def _too_short(shot: Shot, shots: Sequence[Shot]) -> bool:
    """A title that is no longer is dubbed all the same: it was sent for that."""
    return len(shot) < SHORTEST_SHOT and len(shots) > 1


def _parts(face: _Face) -> Iterator[_Part]:
    usable = face.known & ~face.occluded & ~face.cut_off & ~face.upside_down
    at = np.flatnonzero(usable)
    if not len(at):
        return
    breaks = np.flatnonzero(np.diff(at) > BRIDGE + 1) + 1
    for run in np.split(at, breaks):
        if len(run) >= min(FEWEST, len(face.shot)):
            first = int(face.frames[0])
            yield _Part(face, first + int(run[0]), first + int(run[-1]) + 1, usable[run[0] : run[-1] + 1])


def _tracked(part: _Part, frames: FrameRange) -> TrackedFace | None:
    """The turn as a track, its gaps filled by straight lines; None when the face is not seen in it."""
    face = part.face
    at = np.flatnonzero(part.usable[frames.start - part.start : frames.end - part.start])
    if len(at) < min(FEWEST, len(face.shot)):
        return None
    start, end = frames.start + int(at[0]), frames.start + int(at[-1]) + 1
    inside = np.arange(start, end)
    good = part.usable[start - part.start : end - part.start]
    seen = np.array([frame for frame in face.followed.seen if start <= frame < end and good[frame - start]])
    sightings = [face.followed.seen[int(frame)] for frame in seen]
    motion = face.followed.motion.through(start, end)
    anchors = filled(inside, seen, np.stack([sighting.anchors for sighting in sightings]), motion)
    outline = _between(inside, seen, [sighting.outline for sighting in sightings])
    opening = np.where(good, np.interp(inside, seen, [sighting.opening for sighting in sightings]), np.nan)
    track = FaceTrack(
        start=start, end=end, index=0, shot=face.shot.index, missing=tuple(inside[~good].tolist()), size=face.size
    )
    first = start - int(face.frames[0])
    doubt = face.doubt[first : first + len(inside)]
    return TrackedFace(track, stabilised(anchors, motion), anchors, outline, opening, doubt)


def _numbered(face: TrackedFace, index: int) -> TrackedFace:
    return replace(face, track=face.track.model_copy(update={"index": index}))


def _between(frames: NDArray[np.intp], seen: NDArray[np.intp], points: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Points [., 2] of every frame, on straight lines between those of the frames in which they were seen."""
    columns = np.stack(points).reshape(len(seen), -1).T
    return np.stack([np.interp(frames, seen, column) for column in columns], axis=-1).reshape(len(frames), *points[0].shape)


def _passing(faces: list[_Face], large: list[_Face], parts: list[_Part], shots: Sequence[Shot]) -> SkippedFrames:
    """Why frames are not dubbed."""
    lasting = [face for face in faces if face.lasts]
    return SkippedFrames(
        frames=shots[-1].end if shots else 0,
        shots=len(shots),
        seen=len(faces),
        largest=max((face.size for face in faces), default=0.0),
        longest=max((int(face.known.sum()) for face in faces), default=0),
        small={i for face in lasting if face not in large for i in face.places(face.known)},
        short={i for face in faces if _too_short(face.shot, shots) for i in face.places(face.known)},
        covered={i for face in large for i in face.places(face.occluded)},
        cut_off={i for face in large for i in face.places(face.cut_off)},
        upside_down={i for face in large for i in face.places(face.upside_down)},
        flashes={i for shot in shots for flash in shot.flashes for i in range(flash.start, flash.end)},
        crowded=_crowded(parts),
    )


def _crowded(parts: list[_Part]) -> set[int]:
    """The frames in which more than one face could be dubbed."""
    once: set[int] = set()
    more: set[int] = set()
    for part in parts:
        there = set((part.start + np.flatnonzero(part.usable)).tolist())
        more |= once & there
        once |= there
    return more
