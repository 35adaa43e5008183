"""What a dub that is not there would take, from its size alone: the pace of a usual installation, and no queue before it."""

from collections.abc import Collection
from typing import NamedTuple

from dubbing.domain.work import WorkKind


class Foreseen(NamedTuple):
    """Seconds from its first work to its end, and those among them in which a model works: what it costs."""

    seconds: float
    gpu_seconds: float


# Seconds of one worker for each frame, and more for each megapixel of it, of `make bench-job` on two cores at 1080p
# (docs/results/performance.md). Of the large students the paper's figures on one H100, since ours have not been measured.
_GENERATED = {"tiny": 0.0115, "1.3b": 1 / 31.58, "14b": 1 / 15.11}
_ENCODED, _HEARD = 0.006, 0.002
_ANALYSED, _STITCHED = (0.005, 0.0026), (0.005, 0.009)
_EACH_ITEM = 0.5


def foresee(preset: str, frames: int, generated: int, megapixels: float, known: Collection[WorkKind]) -> Foreseen:
    """For a picture of so many ``frames``, of which ``generated`` get new mouths; ``known`` is done already."""
    models = generated * _GENERATED[preset]
    models += 0.0 if WorkKind.ENCODE_FACE in known else frames * _ENCODED
    models += 0.0 if WorkKind.ENCODE_SPEECH in known else frames * _HEARD
    others = _EACH_ITEM + frames * (_STITCHED[0] + megapixels * _STITCHED[1])
    others += 0.0 if WorkKind.PREPARE in known else frames * (_ANALYSED[0] + megapixels * _ANALYSED[1])
    return Foreseen(round(models + others, 1), round(models, 1))
