"""A model beside the incumbent: the same clips, so differences are paired, with an interval for each."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from services.trainer.metrics.pictures import interval


class Figure(NamedTuple):
    """What a figure is called and which way is better.

    Attributes:
        name: key in reports.
        title: for people; says what it is and what it is not.
        better: 1 more is better, -1 less is better, 0 nearer to 1, as of ratios.
    """

    name: str
    title: str
    better: int


FIGURES = (
    Figure("sync_confidence", "sync confidence", 1),
    Figure("sync_distance", "sync distance", -1),
    Figure("sync_wrong_confidence", "sync confidence with another clip's sound (control)", -1),
    Figure("offset_error", "absolute sync offset, frames", -1),
    Figure("r_open", "opening of the mouth, correlation with the true one", 1),
    Figure("r_width", "width of the mouth, correlation with the true one", 1),
    Figure("mae_open", "opening, absolute error over the distance of the eyes", -1),
    Figure("identity", "identity: cosine of landmark shapes (not a face-recognition score)", 1),
    Figure("ssim_face", "SSIM of the aligned face", 1),
    Figure("ssim_mouth", "SSIM inside the mouth region", 1),
    Figure("codec_distance", "codec-feature distance in the mouth region (not LPIPS)", -1),
    Figure("flicker", "flicker in the mouth region over the true footage's", 0),
    Figure("block_seam", "change at block joins over the change elsewhere", 0),
    Figure("edge_seam", "edges at the region's border over the footage's", 0),
)


class Row(NamedTuple):
    """One figure of two models.

    Attributes:
        figure: which.
        new: mean of the model.
        new_interval: 95 % interval of the mean.
        old: mean of the incumbent, None without one.
        difference: paired interval of new - old, None without incumbent.
        verdict: "better", "worse" or "equal" (the interval holds 0), "" without incumbent.
    """

    figure: Figure
    new: float
    new_interval: tuple[float, float]
    old: float | None = None
    difference: tuple[float, float] | None = None
    verdict: str = ""


Clips = Sequence[Mapping[str, float]]


def table(new: Clips, old: Clips | None = None) -> list[Row]:
    """All figures, clip by clip, of a model and of the incumbent on the same clips.

    Raises:
        ValueError: the two were not measured on the same number of clips.
    """
    if old is not None and len(new) != len(old):
        raise ValueError(f"{len(new)} clips cannot be compared with {len(old)}")
    values = [[float(clip[figure.name]) for clip in new] for figure in FIGURES]
    before = [None if old is None else [float(clip[figure.name]) for clip in old] for figure in FIGURES]
    return [_row(*row) for row in zip(FIGURES, values, before, strict=True)]


def _row(figure: Figure, new: list[float], old: list[float] | None) -> Row:
    mean = float(np.nanmean(new)) if np.isfinite(new).any() else float("nan")
    if old is None:
        return Row(figure, mean, interval(new))
    gains = np.array([_worth(figure, value) for value in new]) - [_worth(figure, value) for value in old]
    low, high = interval(gains.tolist())
    verdict = "better" if low > 0 else "worse" if high < 0 else "equal"
    apart = interval((np.array(new) - np.array(old)).tolist())
    return Row(figure, mean, interval(new), float(np.nanmean(old)), apart, verdict)


def _worth(figure: Figure, value: float) -> float:
    """The figure such that more is better."""
    return -abs(value - 1.0) if figure.better == 0 else figure.better * value
