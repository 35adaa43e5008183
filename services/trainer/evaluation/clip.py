"""Everything that is measured on one held-out clip beside its mouth, which `services.trainer.evaluation.speakers` has measured.

Legend: V video frames, L landmarks, P people.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubbing.faces.align import crop_transforms, extract_crop
from dubbing.faces.detector import FaceDetector
from lipforcing.contract import STUDENTS, mouth_mask
from services.trainer.common.timing import MARGIN
from services.trainer.data.takes import Footage
from services.trainer.metrics import pictures as metrics
from services.trainer.metrics.mouth_figures import Measured
from services.trainer.metrics.mouth_series import Series, landmark_track
from services.trainer.metrics.sync import SyncScorer, sync_figures

from .features import CodecFeatures, masks_of, motion, pooled

_SIDE = STUDENTS["tiny"].crop
_MOUTH = ("r_open", "r_width", "mae_open")


@dataclass(slots=True)
class ClipResult:
    """One clip.

    Attributes:
        values: figures by name (`compare.FIGURES`), NaN where one could not be measured.
        meta: person, voice, language.
        opening: measured in the result and in the true footage, [V] each, for the plot.
        shapes: mean landmark shape in the result and in the true footage, [L, 2] each.
        appearance: pooled picture features of result and true footage, [N, D] each.
        moves: mouth motion of both, [M, 10] each.
    """

    values: dict[str, float]
    meta: dict[str, Any]
    opening: tuple[Series, Series]
    shapes: tuple[metrics.Values, metrics.Values]
    appearance: tuple[metrics.Values, metrics.Values]
    moves: tuple[metrics.Values, metrics.Values] = field(repr=False)


class ClipJudge:
    """Measures clips by landmarks, sync and picture features."""

    def __init__(self, detector: FaceDetector, scorer: SyncScorer, features: CodecFeatures) -> None:
        self._detector, self._scorer, self._features = detector, scorer, features

    def judge(self, shot: Footage, other: Footage, measured: Measured) -> ClipResult:
        """Measure one clip, whose second mouth and sound were asked for; ``other`` is the control with the wrong sound."""
        pictures = measured.pictures
        matrices = crop_transforms(shot.anchors(), _SIDE)
        crops = {
            name: np.asarray([extract_crop(f, m, _SIDE) for f, m in zip(pictures[name], matrices, strict=True)], np.uint8)
            for name in ("source", "generated", "true")
        }
        shapes = {name: metrics.mean_shape(landmark_track(pictures[name], self._detector)) for name in ("generated", "true")}
        generated, true = (measured.mouths[name] for name in ("generated", "true"))
        maps = {name: self._features.maps(crops[name]) for name in ("generated", "true")}
        values = {
            **sync_figures(self._scorer, crops["generated"], *(clip.sound[1][MARGIN:-MARGIN] for clip in (shot, other))),
            **{name: measured.figures[name] for name in _MOUTH},
            **_pictures(crops),
            "codec_distance": metrics.feature_distance(maps["generated"], maps["true"], masks_of(maps["true"])),
        }
        return ClipResult(
            values, dict(shot.meta), (generated.opening, true.opening),
            (shapes["generated"], shapes["true"]),
            (pooled(maps["generated"]), pooled(maps["true"])), (motion(generated), motion(true)),
        )  # fmt: skip


def _pictures(crops: Mapping[str, NDArray[np.uint8]]) -> dict[str, float]:
    generated, true, source, mask = crops["generated"], crops["true"], crops["source"], mouth_mask(_SIDE)
    return {
        "ssim_face": metrics.ssim(generated, true),
        "ssim_mouth": metrics.ssim(generated, true, mask),
        "flicker": metrics.flicker(generated, true, mask),
        "block_seam": metrics.block_seam(generated, mask),
        "edge_seam": metrics.edge_seam(generated, source, mask),
    }
