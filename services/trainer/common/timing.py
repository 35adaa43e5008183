"""When frames are shown in a sound that begins before them and ends after them."""

import numpy as np
from numpy.typing import NDArray

from lipforcing.contract import SAMPLE_RATE
from synthetic.scene import FPS

MARGIN = SAMPLE_RATE  # samples of sound on either side of the footage, so that the first and last frame hear their context


def frame_times(frames: int) -> NDArray[np.float64]:
    """Presentation times of ``frames`` frames, in seconds from the first sample of a sound with margins."""
    return np.arange(frames) / float(FPS) + MARGIN / SAMPLE_RATE
