"""The sample that every method learns from, whether it was filmed or generated.

Legend: V video frames, n crop side, S samples (16 kHz).
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.trainer.common.timing import MARGIN

Crops = NDArray[np.uint8]
_SAMPLES = 640  # of one frame


@dataclass(frozen=True, slots=True)
class Sample:
    """One clip.

    Attributes:
        key: unique in its data set.
        reference_VnnC: uint8 [V, n, n, 3], the person at another time (filmed) or saying something else (generated).
        filmed_VnnC: the footage whose mouth is hidden and generated anew.
        target_VnnC: what should come out; filmed footage is its own target.
        sound_S: int16 [640 V + 2 MARGIN], what the target says, with sound on either side.
        digest: SHA-256 of the content.
        meta: person, voice, language, split, place in the source, consent.
    """

    key: str
    reference_VnnC: Crops
    filmed_VnnC: Crops
    target_VnnC: Crops
    sound_S: NDArray[np.int16]
    digest: str
    meta: dict[str, Any]

    @property
    def speech(self) -> NDArray[np.int16]:
        """The sound of the frames themselves, int16 [640 V], without margins."""
        return self.sound_S[MARGIN:-MARGIN]

    def part(self, first: int, frames: int) -> "Sample":
        """``frames`` frames from number ``first`` on, with their sound."""
        shown = slice(first, first + frames)
        return replace(
            self,
            key=f"{self.key}+{first}",
            reference_VnnC=self.reference_VnnC[shown],
            filmed_VnnC=self.filmed_VnnC[shown],
            target_VnnC=self.target_VnnC[shown],
            sound_S=self.sound_S[_SAMPLES * first : _SAMPLES * (first + frames) + 2 * MARGIN],
            digest=f"{self.digest}/{first}+{frames}",
        )
