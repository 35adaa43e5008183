"""Small plots as inline SVG: nothing to load, nothing to install, the same bytes for the same numbers."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike

_WIDTH, _HEIGHT, _PAD = 360, 110, 22


def curves(series: Mapping[str, ArrayLike]) -> Markup:
    """Lines over frames, one per name in the order of the classes ``line0``, ``line1``, ...; gaps where a value is NaN."""
    values = [np.asarray(v, float) for v in series.values()]
    top = max((float(np.nanmax(v)) for v in values if np.isfinite(v).any()), default=1.0) or 1.0
    frames = max(len(v) for v in values)
    parts = [_frame(f"0 to {frames} frames", f"0 to {top:.2f}")]
    for index, v in enumerate(values):
        points = [
            f"{_x(i / max(frames - 1, 1)):.1f},{_y(value / top):.1f}" if np.isfinite(value) else "" for i, value in enumerate(v)
        ]
        parts.extend(f'<polyline class="line{index}" points="{run}"/>' for run in _runs(points))
    return _svg(parts, f"mouth opening: {' and '.join(series)}")


def histogram(values: Sequence[float], low: int, high: int) -> Markup:
    """How often each whole number from ``low`` to ``high`` occurs; what lies beyond counts at the end."""
    known = np.clip(np.rint([value for value in values if np.isfinite(value)]), low, high).astype(int)
    counts = np.bincount(known - low, minlength=high - low + 1)
    parts = [_frame(f"{low} to {high} frames", f"0 to {counts.max(initial=0)} clips")]
    width = (_WIDTH - 2 * _PAD) / len(counts)
    for index, count in enumerate(counts):
        if count:
            y = _y(count / counts.max())
            parts.append(
                f'<rect class="bar" x="{_PAD + index * width + 1:.1f}" y="{y:.1f}" width="{width - 2:.1f}" '
                f'height="{_y(0) - y:.1f}"><title>{index + low}: {count}</title></rect>'
            )
    return _svg(parts, "sync offset")


def dots(series: Mapping[str, Sequence[float]], low: float, high: float) -> Markup:
    """One dot per clip and name, clips in the order of the first series."""
    first = np.asarray(next(iter(series.values())), float)
    order = np.argsort(np.nan_to_num(first, nan=low))
    parts = [_frame(f"{len(first)} clips, worst to best", f"{low:g} to {high:g}")]
    for index, values in enumerate(series.values()):
        for place, clip in enumerate(order):
            value = float(values[clip])
            if np.isfinite(value):
                x, y = _x((place + 0.5) / len(order)), _y(np.clip((value - low) / (high - low), 0, 1))
                circle = f'<circle class="dot{index}" cx="{x:.1f}" cy="{y:.1f}" r="3">'
                parts.append(f"{circle}<title>{value:.3f}</title></circle>")
    return _svg(parts, f"per clip: {' and '.join(series)}")


def _runs(points: Sequence[str]) -> list[str]:
    runs: list[list[str]] = [[]]
    for point in points:
        if point:
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [" ".join(run) for run in runs if len(run) > 1]


def _frame(below: str, beside: str) -> str:
    bottom, right = _HEIGHT - _PAD, _WIDTH - _PAD
    return (
        f'<path class="axis" d="M{_PAD} 8V{bottom}H{right}"/>'
        f'<text x="{_PAD}" y="{_HEIGHT - 6}">{below}</text>'
        f'<text x="{right}" y="{_HEIGHT - 6}" text-anchor="end">{beside}</text>'
    )


def _svg(parts: Sequence[str], label: str) -> Markup:
    """A whole picture for a page; what people named is escaped in it."""
    svg = f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'
    return Markup(svg)  # noqa: S704 - escaped above, and else numbers of ours


def _x(share: float) -> float:
    return _PAD + share * (_WIDTH - 2 * _PAD)


def _y(share: float) -> float:
    return 8 + (1 - share) * (_HEIGHT - _PAD - 8)
