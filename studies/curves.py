"""``python -m studies.curves OUT.png NAME=DIR ...``: learning curves of chains that ran alone, side by side.

One panel for each method, one line for each chain; the horizontal axis counts clips that were learned from, so that runs with
other batches, and on other machines, can be compared.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from services.trainer.console import say
from services.trainer.recipes import load
from services.trainer.runtime.outbox import Outbox

# Which figure of which kind of run is drawn; a recipe's kind is the first word of its name.
PANELS = {
    "teacher": ("loss", "teacher: error of the flow"),
    "df": ("loss", "Stage 1: error of x0 (and, on the GPU, of pictures)"),
    "sf": ("reward/mean", "Stage 2: reward of the student's clips"),
}
_WINDOW = 9  # entries of a running median: steps differ by the noise levels that they draw
Curve = tuple[NDArray[np.float64], NDArray[np.float64]]


def curve(folder: Path, figure: str) -> Curve:
    """Clips learned from and running medians of ``figure``, from one run's folder."""
    outbox = Outbox(folder)
    order = outbox.order()
    batch = int(order.settings.get("batch", load(order.recipe).batch))
    metrics = [event for event in outbox.recorded() if event["kind"] == "metrics"]
    points = [(event["step"] * batch, event["parts"][figure]) for event in metrics if event["parts"].get(figure) is not None]
    clips, values = np.array(points, np.float64).reshape(-1, 2).T
    middles = [np.median(values[max(0, at - _WINDOW // 2) : at + _WINDOW // 2 + 1]) for at in range(len(values))]
    return clips, np.array(middles, np.float64)


def draw(out: Path, chains: Mapping[str, Path]) -> None:
    """Write the picture.

    Args:
        out: PNG.
        chains: folder of runs by the name in the legend.
    """
    figure = Figure(figsize=(13, 3.6), layout="constrained")
    panels = figure.subplots(1, len(PANELS))
    for axes, (kind, (name, title)) in zip(panels, PANELS.items(), strict=True):
        for label, folder in chains.items():
            for order in sorted(folder.glob(f"{kind}_*/order.json")):
                axes.plot(*curve(order.parent, name), label=label, linewidth=1.4)
        axes.set(title=title, xlabel="clips learned from", xscale="log")
        if name == "loss":
            axes.set_yscale("log")
        axes.grid(visible=True, alpha=0.3)
        if axes.lines:
            axes.legend()
    figure.savefig(out, dpi=90)


def main(words: Sequence[str]) -> int:
    """Entry point."""
    named = dict(word.partition("=")[::2] for word in words[1:])
    if not named or any(not list(Path(folder).glob("*/order.json")) for folder in named.values()):
        say(__doc__.splitlines()[0], "Each DIR is what `dubline train alone -o DIR` has left.")
        return 2
    draw(Path(words[0]), {label: Path(folder) for label, folder in named.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
