"""``python -m services.trainer.service.measure REPOSITORY LANDMARKER CLIPS FRAMES``: figures of version 1 on the frozen set.

The set is frozen by its seed: the same people, voices and sentences of the test split for every candidate and every incumbent.
"""

import json
import math
import sys
from pathlib import Path

from services.trainer.evaluate import evaluate
from services.trainer.speakers.splits import Split

SEED = 1


def main() -> int:
    """Print the figures as one JSON object."""
    repository, landmarker, clips, frames = sys.argv[1:]
    figures = evaluate(Path(repository), Path(landmarker), split=Split.TEST, clips=int(clips), frames=int(frames), seed=SEED)
    # JSON knows no NaN: what could not be measured has no figure, and the gate says so.
    shown = {name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in figures.items()}
    json.dump(shown, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
