"""What comes over a mouth at once and leaves it again, told by the face itself: afterwards it looks as it did before.

`mouth_occlusion` finds what lies over a mouth by how uneven and how doubtful it is. A smooth hand is neither. But it
comes within a few frames, in which the mouth's surroundings change as no speech changes them, and when it has gone they are
the same again.
"""

from dataclasses import dataclass, field
from typing import Final

from dubbing.domain.findings import FrameRange
from dubbing.faces.align import Picture
from dubbing.faces.appearance import likeness

_ANOTHER: Final = 0.75  # likeness to the sighting before below which a mouth has become something else; speech keeps 0.84
_CALM: Final = 6  # frames without such a change after which it is over
_BACK: Final = 0.15  # by which the face is more like it was before than like what lay over it


@dataclass(eq=False)
class Occlusions:
    """Gathers them for one face while it is followed; three small pictures are kept.

    Attributes:
        found: frames in which something lay over the mouth.
    """

    found: list[FrameRange] = field(default_factory=list)
    _start: int = 0
    _before: Picture | None = None  # what came over it
    _over: Picture | None = None  # the last look before the second change
    _changed: int = 0  # frame of the last change

    def see(self, frame: int, was: Picture | None, now: Picture | None, alike: float) -> None:
        """Take note of a sighting.

        Args:
            frame: its number.
            was: the look of the sighting before, uint8 [64, 64, 3].
            now: its own.
            alike: how far the mouths' surroundings of the two agree (`Likeness.lower`).
        """
        if was is None or now is None:
            return
        if alike < _ANOTHER:
            self._change(frame, was)
        elif self._before is not None and self._over is not None and frame - self._changed >= _CALM:
            self._settle(now)

    def _change(self, frame: int, was: Picture) -> None:
        if self._before is None:
            self._start, self._before = frame, was
        elif self._over is None and frame - self._changed >= _CALM:
            self._over = was
        self._changed = frame

    def _settle(self, now: Picture) -> None:
        """Some frames after the second change: has it gone, or is it another that came?"""
        if self._before is None or self._over is None:
            return
        if likeness(now, self._before).lower > likeness(now, self._over).lower + _BACK:
            self.found.append(FrameRange(start=self._start, end=self._changed))
            self._before = None
        self._over = None
