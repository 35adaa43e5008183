"""Means, intervals and differences of the rows, as numbers, as text and as a plot.

Intervals are percentiles of a bootstrap that draws seeds and clips, each with repetition. Rows are always compared on the same
draw, so a difference's interval is paired: clip by clip and seed by seed.

Legend: S seeds, N clips.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studies.ablation.judge import FIGURES

ROWS = {
    "truth": "true frames", "codec": "true frames through the codec", "footage": "footage unchanged",
    "teacher": "teacher, all steps, guided", "unguided": "teacher, all steps, not guided",
    "cast": "teacher cast to causal, 2 steps", "forcing": "Stage 1", "always": "DMD, guidance always",
    "never": "DMD, guidance never", "window": "DMD, guidance in the window", "reward": "DMD, window and reward",
}  # fmt: skip
# Differences that the paper's order is about: first minus second.
PAIRS = (("always", "never"), ("always", "window"), ("window", "never"), ("reward", "window"), ("window", "forcing"),
         ("forcing", "cast"), ("forcing", "teacher"), ("teacher", "unguided"))  # fmt: skip

Scores = Mapping[str, Mapping[str, Sequence[Sequence[float]]]]  # row -> figure -> [S][N]


def summarise(scores: Scores, resamples: int) -> dict[str, Any]:
    """Means with 95 % intervals of every row and of every pair's difference.

    Raises:
        ValueError: rows differ in clips, or in seeds where they have more than one.
    """
    arrays = {row: {name: np.asarray(values, np.float64) for name, values in of.items()} for row, of in scores.items()}
    shapes = {array.shape for of in arrays.values() for array in of.values()}
    if len({shape[1] for shape in shapes}) != 1 or len({shape[0] for shape in shapes if shape[0] > 1}) > 1:
        raise ValueError(f"rows of different clips or seeds cannot be compared: {shapes}")
    seeds, clips = max(shape[0] for shape in shapes), next(iter(shapes))[1]
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, seeds, (resamples, seeds)), rng.integers(0, clips, (resamples, clips))
    rows = {row: {name: _with_interval(a, drawn) for name, a in of.items()} for row, of in arrays.items()}
    pairs = {
        f"{one} - {two}": {name: _with_interval(arrays[one][name] - arrays[two][name], drawn) for name in arrays[one]}
        for one, two in PAIRS
        if one in arrays and two in arrays
    }
    return {"seeds": seeds, "clips": clips, "rows": rows, "differences": pairs}


def _with_interval(values_SN: NDArray[np.float64], drawn: tuple[NDArray[np.int64], NDArray[np.int64]]) -> list[float]:
    seeds, clips = drawn
    own = seeds % len(values_SN)  # rows without training have one seed, whatever is drawn
    means = np.nanmean(values_SN[own[:, :, None], clips[:, None, :]], axis=(1, 2))
    return [float(np.nanmean(values_SN)), *(float(x) for x in np.percentile(means, [2.5, 97.5]))]


def markdown(summary: Mapping[str, Any], speeds: Mapping[str, float]) -> str:
    """Two tables: rows with their figures, and differences with a star where the interval leaves 0 out."""
    names = list(FIGURES)
    head = ["", *(FIGURES[name][0] for name in names), "frames/s"]
    lines = [_line(head), _line(["---"] * len(head))]
    for row, figures in summary["rows"].items():
        speed = f"{speeds[row]:.0f}" if row in speeds else ""
        lines.append(_line([ROWS[row], *(_shown(name, figures[name]) for name in names), speed]))
    lines += ["", _line(["difference", *head[1:-1]]), _line(["---"] * (len(head) - 1))]
    for pair, figures in summary["differences"].items():
        lines.append(_line([pair, *(_shown(name, figures[name], sign=True) for name in names)]))
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(name: str, value: Sequence[float], *, sign: bool = False) -> str:
    scale, plus = (1000.0 if name == "mouth_mse" else 1.0), "+" if sign else ""
    mean, low, high = (scale * x for x in value)
    star = " *" if sign and (low > 0 or high < 0) else ""
    return f"{mean:{plus}.2f} [{low:{plus}.2f}, {high:{plus}.2f}]{star}"


def plot(summary: Mapping[str, Any], path: Path) -> None:
    """Sync against fidelity, twice: by SyncNet and by the reader of mouths; one point with both intervals for each row."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow to import, and only plots need it

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    titles = {"in_time": "Sync-C at shift 0, small SyncNet (more is better)", "read_open": "opening r, read (more is better)"}
    for axis, (name, title) in zip(figure.subplots(1, 2), titles.items(), strict=True):
        for number, (row, figures) in enumerate(summary["rows"].items()):
            (x, left, right), (y, low, high) = ([1000 * v for v in figures["mouth_mse"]], figures[name])
            if row in ("truth", "footage"):
                axis.axhline(y, linestyle="--" if row == "truth" else ":", color="grey", linewidth=1, label=ROWS[row])
                continue
            bars = {"yerr": [[y - low], [high - y]], "xerr": [[x - left], [right - x]]}
            axis.errorbar(x, y, fmt="os^Dv"[number % 5], capsize=2, linewidth=1, label=ROWS[row], **bars)
        axis.set(xlabel="mouth MSE x 1000 (less is better)", ylabel=title)
    figure.legend(*figure.axes[1].get_legend_handles_labels(), fontsize=7, loc="outside lower center", ncols=4)
    figure.savefig(path, dpi=100)
