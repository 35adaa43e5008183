"""Figures of merit as pure functions of arrays.

None of them is called by the name of a published metric that it is not: the features behind perceptual and Fréchet distances
are this repository's own (`features`), and reports say so.

Legend: V video frames, H/W picture side, C colours, N samples, D dimensions, L landmarks.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import sqrtm

from lipforcing.contract import block_start, blocks_for

Pictures = NDArray[np.uint8]  # [V, H, W, C]
Mask = NDArray[np.bool_]  # [H, W]
Values = NDArray[np.float64]

_RESAMPLES = 2_000


def ssim(one_VHWC: Pictures, two_VHWC: Pictures, mask_HW: Mask | None = None) -> float:
    """Structural similarity (Wang et al., 2004) of grey pictures: Gaussian window 11, sigma 1.5, K 0.01 and 0.03.

    The similarity map is averaged in the mask, or everywhere.
    """
    maps = [_ssim_map(_grey(a), _grey(b)) for a, b in zip(one_VHWC, two_VHWC, strict=True)]
    return float(np.mean([m if mask_HW is None else m[mask_HW] for m in maps]))


def _ssim_map(a: Values, b: Values) -> Values:
    def blurred(x: Values) -> Values:
        return np.asarray(cv2.GaussianBlur(x, (11, 11), 1.5, borderType=cv2.BORDER_REFLECT), np.float64)

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_a, mean_b = blurred(a), blurred(b)
    var_a, var_b = blurred(a * a) - mean_a**2, blurred(b * b) - mean_b**2
    both = blurred(a * b) - mean_a * mean_b
    return ((2 * mean_a * mean_b + c1) * (2 * both + c2)) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))


def _grey(picture_HWC: NDArray[np.uint8]) -> Values:
    return cv2.cvtColor(picture_HWC, cv2.COLOR_RGB2GRAY).astype(np.float64)


def frechet(one_ND: Values, two_ND: Values) -> float:
    """Fréchet distance of the normal distributions that fit two sets of features (Dowson and Landau, 1982).

    Raises:
        ValueError: fewer than two samples on either side.
    """
    if min(len(one_ND), len(two_ND)) < 2:
        raise ValueError("a distribution needs two samples at least")
    apart = one_ND.mean(axis=0) - two_ND.mean(axis=0)
    cov_one, cov_two = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (one_ND, two_ND))
    root = np.real(sqrtm(cov_one @ cov_two))
    return float(max(apart @ apart + np.trace(cov_one + cov_two - 2 * root), 0.0))


def feature_distance(one: Sequence[Values], two: Sequence[Values], masks: Sequence[Mask]) -> float:
    """Mean squared distance of feature maps [N, D, h, w], a layer each, inside masks [h, w]; vectors are scaled to length 1.

    The form of Zhang et al. (2018), unweighted.
    """

    def unit(x: Values) -> Values:
        return np.asarray(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-8))

    layers = zip(one, two, masks, strict=True)
    return float(np.mean([np.square(unit(a) - unit(b)).sum(axis=1)[:, mask].mean() for a, b, mask in layers]))


def flicker(generated_VHWC: Pictures, true_VHWC: Pictures, mask_HW: Mask) -> float:
    """How much pictures tremble, over how much true ones do: mean absolute second difference in time inside the mask."""

    def tremble(x: Pictures) -> float:
        return float(np.abs(np.diff(x[:, mask_HW].astype(np.float64), n=2, axis=0)).mean())

    return tremble(generated_VHWC) / max(tremble(true_VHWC), 1e-6)


def block_seam(generated_VHWC: Pictures, mask_HW: Mask) -> float:
    """Change of the picture where one AR block meets the next, over the median change elsewhere; 1 is no seam."""
    change = np.abs(np.diff(generated_VHWC[:, mask_HW].astype(np.float64), axis=0)).mean(axis=1)  # [V - 1]
    joins = [block_start(block) - 1 for block in range(1, blocks_for(len(generated_VHWC)))]
    if not joins:
        return 1.0
    return float(np.median(change[joins]) / max(float(np.median(np.delete(change, joins))), 1e-6))


def edge_seam(generated_VHWC: Pictures, source_VHWC: Pictures, mask_HW: Mask) -> float:
    """Edges along the border of the generated region, over those that the footage has there; 1 is no seam."""
    feather = len(mask_HW) // 6 | 1  # as deep as the compositor fades
    inner = cv2.erode(mask_HW.astype(np.uint8), np.ones((feather, feather), np.uint8))
    outer = cv2.dilate(mask_HW.astype(np.uint8), np.ones((5, 5), np.uint8))
    ring = (outer - inner).astype(bool)

    def edges(x: Pictures) -> float:
        return float(np.mean([np.abs(cv2.Laplacian(_grey(picture), cv2.CV_64F))[ring].mean() for picture in x]))

    return edges(generated_VHWC) / max(edges(source_VHWC), 1e-6)


def mean_shape(landmarks_VL2: Values) -> Values:
    """The mean of a face's landmarks [L, 2] without place, size and roll; NaN frames are left out."""
    seen = landmarks_VL2[np.isfinite(landmarks_VL2).all(axis=(1, 2))]
    if not len(seen):
        return np.full(landmarks_VL2.shape[1:], np.nan)
    z = seen[..., 0] + 1j * seen[..., 1]
    z = z - z.mean(axis=1, keepdims=True)
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    turn = (z * np.conj(z[:1])).sum(axis=1, keepdims=True)  # Procrustes rotation onto the first frame
    mean = (z * np.conj(turn) / np.abs(turn)).mean(axis=0)
    return np.stack([mean.real, mean.imag], axis=-1)


def shape_identity(generated_PL2: Values, true_PL2: Values) -> Values:
    """Cosine between the mean shapes of P generated faces and of the true ones, after the mean true shape is taken out, [P].

    1 means that what tells a person's shape from the others' is all there; unrelated people lie around 0 or below.
    """
    aligned = [_onto(shape, true_PL2[0]) for shape in (*generated_PL2, *true_PL2)]
    generated, true = np.array(aligned[: len(generated_PL2)]), np.array(aligned[len(generated_PL2) :])
    centre = true.mean(axis=0)
    generated, true = ((x - centre).reshape(len(x), -1) for x in (generated, true))
    length = np.linalg.norm(generated, axis=1) * np.linalg.norm(true, axis=1)
    return np.asarray((generated * true).sum(axis=1) / np.maximum(length, 1e-12))


def _onto(shape_L2: Values, other_L2: Values) -> Values:
    one, two = (x[:, 0] + 1j * x[:, 1] for x in (shape_L2, other_L2))
    turn = (one * np.conj(two)).sum()
    turned = one * np.conj(turn) / max(abs(turn), 1e-12)
    return np.stack([turned.real, turned.imag], axis=-1)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % interval of the mean by the bootstrap over clips (percentiles of seeded resamples); NaN values are left out."""
    known = np.array([value for value in values if np.isfinite(value)])
    if not len(known):
        return float("nan"), float("nan")
    picks = np.random.default_rng(0).integers(0, len(known), (_RESAMPLES, len(known)))
    low, high = np.percentile(known[picks].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
