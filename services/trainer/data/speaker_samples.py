"""Aligned crops of a scene, with the mouth that is replaced and with the one that is wanted.

V frames, H = W = 128.
"""

import numpy as np
from numpy.typing import NDArray

from dubbing.faces.align import extract_crop, pose_of
from dubbing.faces.stabilise import smoothed
from synthetic.scene import Scene

CROP = 128


def crop_pair(one: Scene, jitter: float = 0.4) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Renders a scene and cuts the aligned crops with the renderer's own anchors.

    Args:
        one: the scene.
        jitter: standard deviation (frame pixels) of a slow error on the anchors, as a landmarker has.

    Returns:
        uint8 [V, 128, 128, 3] with mouth A, and the same crops with mouth B.
    """
    rng = np.random.default_rng([0xC809, int(one.meta["seed"])])
    anchors = one.shot.anchors().astype(np.float64)
    anchors += rng.normal(0, jitter, (1, 3, 2)) + rng.normal(0, 0.25 * jitter, anchors.shape)
    matrices = smoothed(pose_of(anchors)).transforms(CROP)
    pictures = one.shot.shoot(one.source_controls(), one.target_controls())
    pairs = [[extract_crop(frame, m, CROP) for frame in frames] for frames, m in zip(pictures, matrices, strict=True)]
    source, target = (np.stack(column) for column in zip(*pairs, strict=True))
    return source, target
