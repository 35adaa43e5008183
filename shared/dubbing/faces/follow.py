"""From frames to followed faces, in one pass over a title and with memory for points only, never for pictures."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.findings import FrameRange
from dubbing.faces import landmarks as marks
from dubbing.faces.align import Frame, size_of
from dubbing.faces.appearance import Likeness, likeness, texture
from dubbing.faces.detector import Face, FaceDetector
from dubbing.faces.foreign import foreign_mouth
from dubbing.faces.hands import HandDetector
from dubbing.faces.motion import FaceMotion
from dubbing.faces.occlusion import Occlusions
from dubbing.faces.outline import lips_outside, outline_of, scaled

Series = NDArray[np.float64]

NAN: Final = float("nan")
BRIDGE: Final = 5  # longest gap in frames that is interpolated
_DEEP_EVERY: Final = 25  # frames between searches for small faces
_SEARCH_EVERY: Final = 8  # and for further faces while one is followed, and as many are kept to look back into
_DOUBT_EVERY: Final = 8  # frames between doubts while a face's skin is as usual
_UNEVEN: Final = 1.15  # times the usual texture from which on every look is doubted
_BURST: Final = 0.85  # likeness of a mouth to the sighting before below which something comes over it
_CALM: Final = 12  # sightings after that which are doubted
_HANDS_EVERY: Final = 12  # frames between looks for a hand, and after one in which every sighting is looked at
_SAME_FACE: Final = 0.68  # likeness below which a face is another one that has taken its place
# A frame is left out where its own picture tells how the face moved, and the next one's landmarks are within this part of the
# distance between the eyes of where the motion leads.
_PREDICTED: Final = 0.03
_FLASHES: Final = 8  # cuts that one flash may have inside


class Sighting(NamedTuple):
    """What is kept of one look at one face.

    ``eyes`` and ``area`` are pixels, ``opening`` is over the distance between the eyes, ``roll`` is degrees. ``texture``,
    ``doubt``, ``likeness`` (to the mouth of the sighting before), ``foreign`` (share of the mouth) and ``hand`` (share of
    the lips) are NaN where they were not measured. ``outside`` is the share of the lips that the picture's edge cuts off.
    """

    anchors: NDArray[np.float64]
    outline: NDArray[np.float64]
    eyes: float
    opening: float
    area: float
    roll: float
    texture: float
    doubt: float
    likeness: float
    foreign: float
    hand: float
    outside: float


@dataclass(eq=False)
class Followed:
    """One face in consecutive frames of one shot: what was seen, how it moved, and the frames that were left out."""

    face: Face
    seen: dict[int, Sighting] = field(default_factory=dict)
    motion: FaceMotion = field(default_factory=FaceMotion)
    occlusions: Occlusions = field(default_factory=Occlusions)
    left_out: set[int] = field(default_factory=set)
    usual_texture: float = float("inf")
    wary: int = 0  # further sightings that are doubted
    hands_asked: int = -_HANDS_EVERY  # frame of the last look for hands
    hands_near: int = -1  # last frame up to which every sighting is looked at for hands
    recent: deque[tuple[int, Face]] = field(default_factory=lambda: deque(maxlen=_SEARCH_EVERY))  # sightings by frame

    @property
    def range(self) -> FrameRange:
        """From the first to the last sighting."""
        return FrameRange(start=next(iter(self.seen)), end=self.last + 1)

    @property
    def last(self) -> int:
        """Frame of the last sighting."""
        return next(reversed(self.seen))

    def see(self, frame: int, picture: Frame, face: Face, likeness: float = NAN, hand: float = NAN) -> None:
        """Note a look at the face."""
        if not np.isnan(hand):
            self.hands_asked = frame
            self.hands_near = frame + _HANDS_EVERY if hand > 0 else self.hands_near
        self.occlusions.see(frame, self.face.appearance, face.appearance, likeness)
        self.face = face
        self.recent.append((frame, face))
        self.motion.see(frame, picture, marks.anchors(face.landmarks))
        self.wary = _CALM if likeness < _BURST else self.wary - 1
        eyes, outline = float(marks.eye_distance(face.landmarks)), outline_of(face.landmarks)
        self.seen[frame] = Sighting(
            anchors=marks.anchors(face.landmarks),
            outline=outline,
            eyes=eyes,
            opening=float(marks.mouth_opening(face.landmarks)) / max(eyes, 1e-6),
            area=float(np.prod(face.box[2:] - face.box[:2])),
            roll=float(marks.roll(face.landmarks)),
            texture=NAN if face.appearance is None else texture(face.appearance, face.landmarks),
            doubt=NAN if face.doubt is None else face.doubt,
            likeness=likeness,
            foreign=NAN if face.appearance is None else foreign_mouth(face.appearance, scaled(outline, len(face.appearance))),
            hand=hand,
            outside=lips_outside(face.landmarks, size_of(picture)),
        )
        if frame % _DOUBT_EVERY == 0:
            self._learn()

    def _learn(self) -> None:
        known = [sighting.texture for sighting in self.seen.values() if np.isfinite(sighting.texture)]
        self.usual_texture = float(np.percentile(known, 20)) if known else float("inf")

    def doubtful(self) -> bool:
        """Whether something seems to have come over the mouth: its surroundings changed, or are less even than usual."""
        return self.wary > 0 or self.seen[self.last].texture > _UNEVEN * self.usual_texture

    def wants_hands(self, frame: int) -> bool:
        """Whether it is time to look for a hand over the mouth."""
        return frame <= self.hands_near or frame - self.hands_asked >= _HANDS_EVERY

    def leads_to(self, frame: int, picture: Frame, face: Face) -> bool:
        """Whether the face is where its last sighting and the pictures since lead."""
        anchors = marks.anchors(face.landmarks)
        return self.motion.follow(frame, picture, anchors) and self.motion.leads_to(frame, anchors, _PREDICTED)


class _Interrupted(NamedTuple):
    """The faces that were followed before ``frame``, in case that it only began a flash."""

    frame: int
    faces: list[Followed]


class FaceTracker:
    """Follows the faces of a title, frame by frame.

    Args:
        detector: finds and follows faces in single frames.
        sparse: leave out every other frame while all faces move steadily; their place there is interpolated, and so is
            their mouth's opening.
        hands: looks for hands over mouths; None for somebody to whom they are all the same.
    """

    def __init__(self, detector: FaceDetector, *, sparse: bool = False, hands: HandDetector | None = None) -> None:
        self._detector = detector
        self._hands = hands
        self._sparse = sparse
        self._held: Frame | None = None  # the frame before, not looked at yet
        self._frame = 0
        self._cut = 0
        self._live: list[Followed] = []
        self._done: list[Followed] = []
        self._interrupted: list[_Interrupted] = []
        self._recent: deque[tuple[int, Frame]] = deque(maxlen=_SEARCH_EVERY)  # of this shot

    def push(self, frame: Frame, *, cut: bool = False, resumes: int | None = None, steady: bool = True) -> None:
        """Takes the next frame, as the detector does.

        Args:
            frame: the picture.
            cut: it does not belong to the shot of the frame before.
            resumes: first frame of the interruption after which the shot goes on with this one.
            steady: it differs little from the one before; others are always looked at.
        """
        if cut or resumes is not None:
            self._observe_previous()
            self._recent.clear()
        if resumes is not None:
            self._resume(resumes)
        elif cut:
            self._begin()
        if self._held is not None:
            self._catch_up(frame, steady=steady)
        elif self._sparse and steady and not self._searches() and self._followed_in(frame):
            self._held = frame
        else:
            self._observe(frame, self._follow(frame))
        self._recent.append((self._frame, frame))
        self._frame += 1

    def finish(self) -> list[Followed]:
        """Every face that was followed, in no order."""
        self._observe_previous()
        self._retire(self._live)
        return self._done

    def _begin(self) -> None:
        self._interrupted = [*self._interrupted[-_FLASHES:], _Interrupted(self._frame, self._live)]
        self._retire(self._live)
        self._cut = self._frame

    def _resume(self, start: int) -> None:
        """Go on with the faces from before ``start``; what was followed since was another picture's."""
        before = next(one for one in self._interrupted if one.frame == start)
        self._interrupted = [one for one in self._interrupted if one.frame < start]
        kept = [face for face in self._done if face.range.start < start]
        self._done = [face for face in kept if face not in before.faces]
        self._live = before.faces

    def _follow(self, frame: Frame) -> list[Face | None]:
        doubting = self._frame % _DOUBT_EVERY == 0 or any(one.doubtful() for one in self._live)
        return self._detector.follow(frame, [one.face for one in self._live], doubting=doubting)

    def _catch_up(self, frame: Frame, *, steady: bool) -> None:
        """Look at the current frame, and at the one before unless every face is where the pictures lead."""
        live = self._live
        found = self._follow(frame)
        pairs = list(zip(live, found, strict=True))
        if steady and all(face is not None and one.leads_to(self._frame, frame, face) for one, face in pairs):
            self._held = None
            for one in live:
                one.left_out.add(self._frame - 1)
        else:
            self._observe_previous()
            if self._live != live or None in found:
                found = self._follow(frame)
        self._observe(frame, found)

    def _observe(self, frame: Frame, found: Sequence[Face | None]) -> None:
        """Note where the faces are in the current frame, and search it when it is time to, or when none is followed."""
        self._see(frame, found)
        if self._searches() or not any(one.last == self._frame for one in self._live):
            self._search(frame, deep=(self._frame - self._cut) % _DEEP_EVERY == 0)
        self._retire([one for one in self._live if self._frame - one.last > BRIDGE])

    def _observe_previous(self) -> None:
        """Look at the frame before after all."""
        if self._held is not None:
            held, self._held = self._held, None
            self._frame -= 1
            self._observe(held, self._follow(held))
            self._frame += 1

    def _searches(self) -> bool:
        return (self._frame - self._cut) % _SEARCH_EVERY == 0

    def _followed_in(self, frame: Frame) -> bool:
        """Every face was seen in the frame before, and this one tells how it moved since."""
        return bool(self._live) and all(
            one.last == self._frame - 1 and one.motion.follow(self._frame, frame) for one in self._live
        )

    def _see(self, frame: Frame, found: Sequence[Face | None]) -> None:
        taken: list[Face] = []
        for one, face in zip(list(self._live), found, strict=True):
            if face is None or any(face.overlap(other) >= 0.5 for other in taken):
                continue
            taken.append(face)
            self._note(frame, one, face)

    def _note(self, frame: Frame, one: Followed, face: Face) -> None:
        """Note where a face is now; if it is somebody else who is there, its track ends, and another begins."""
        alike = _alike(one.face, face)
        if alike.upper >= _SAME_FACE:
            hand = self._hand_over(frame, one, face)
            one.see(self._frame, frame, face, alike.lower, hand)
            if hand > 0:
                self._judge_recent(one)
        else:
            self._retire([one])
            another = Followed(face)
            another.see(self._frame, frame, face)
            self._live.append(another)

    def _hand_over(self, frame: Frame, one: Followed, face: Face) -> float:
        asked = self._hands is not None and one.wants_hands(self._frame)
        return self._hands.over(frame, face) if asked and self._hands is not None else NAN

    def _judge_recent(self, one: Followed) -> None:
        """A hand has been seen where nobody looked before: a single look is often wrong, and one that is right came late."""
        pictures = dict(self._recent)
        for index, face in one.recent:
            if self._hands is not None and index in pictures and np.isnan(one.seen[index].hand):
                one.seen[index] = one.seen[index]._replace(hand=self._hands.over(pictures[index], face))

    def _search(self, frame: Frame, *, deep: bool) -> None:
        seen = [one.face for one in self._live if one.last == self._frame]
        for face in self._detector.find(frame, deep=deep, known=seen):
            overlaps = [one.face.overlap(face) for one in self._live]
            if max(overlaps, default=0.0) < 0.2:
                self._live.append(self._found(frame, face))
            elif (same := self._live[int(np.argmax(overlaps))]).last < self._frame:
                self._note(frame, same, face)

    def _found(self, frame: Frame, face: Face) -> Followed:
        """A face that a search found, followed back to where it came in."""
        earlier: list[tuple[int, Frame, Face]] = []
        latest = face
        for index, picture in reversed(self._recent):
            if index >= self._frame:  # the search was for a frame that had been left out
                continue
            (before,) = self._detector.follow(picture, [latest])
            if before is None or self._followed_already(index, before) or not _same(before, latest):
                break
            earlier.append((index, picture, before))
            latest = before
        followed = Followed(face)
        for sighting in reversed(earlier):
            followed.see(*sighting)
        followed.see(self._frame, frame, face)
        return followed

    def _followed_already(self, frame: int, face: Face) -> bool:
        near = 0.5 * float(marks.eye_distance(face.landmarks))
        places = [one.seen[frame].anchors for one in (*self._live, *self._done) if frame in one.seen]
        return any(float(np.abs(place - marks.anchors(face.landmarks)).max()) < near for place in places)

    def _retire(self, faces: list[Followed]) -> None:
        self._done += faces
        self._live = [one for one in self._live if one not in faces]


class FrameChange(Protocol):
    """What a picture is to those before it; see `FaceTracker.push`."""

    @property
    def cut(self) -> bool:
        """It does not belong to the shot of the one before."""

    @property
    def resumes(self) -> int | None:
        """First frame of the interruption after which the shot goes on with it."""

    @property
    def steady(self) -> bool:
        """It differs little from the one before."""


def follow_faces(
    detector: FaceDetector,
    pictures: Iterable[tuple[Frame, FrameChange]],
    *,
    sparse: bool = True,
    hands: HandDetector | None = None,
) -> list[Followed]:
    """Every face of a title, in no order; see `FaceTracker`."""
    tracker = FaceTracker(detector, sparse=sparse, hands=hands)
    for picture, change in pictures:
        tracker.push(picture, cut=change.cut, resumes=change.resumes, steady=change.steady)
    return tracker.finish()


def _alike(one: Face, other: Face) -> Likeness:
    return (
        Likeness(1.0, NAN) if one.appearance is None or other.appearance is None else likeness(one.appearance, other.appearance)
    )


def _same(one: Face, other: Face) -> bool:
    return _alike(one, other).upper >= _SAME_FACE
