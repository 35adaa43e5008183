"""Contact sheets: what was filmed, what was generated, what was true, one row each."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_COLUMNS = 9


def draw_sheet(path: Path, rows: Mapping[str, Sequence[NDArray[np.uint8]]]) -> None:
    """Write one PNG with evenly spaced frames (uint8 [H, W, 3]) of every row, all equally long, in the rows' order."""
    length = len(next(iter(rows.values())))
    picked = np.linspace(0, length - 1, _COLUMNS).round().astype(int)
    sheet = np.concatenate([np.concatenate([frames[i] for i in picked], axis=1) for frames in rows.values()])
    Image.fromarray(sheet).save(path)
