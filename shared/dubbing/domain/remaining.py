"""What is left to do of one job, in seconds of one worker by kind: from its size, and from what is done of it."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from dubbing.domain.jobs import Phase
from dubbing.domain.paces import Paces, chunks_in
from dubbing.domain.progress import Counts, KindCount
from dubbing.domain.work import KINDS_OF, WorkKind

ON_GPU = (WorkKind.ENCODE_SPEECH, WorkKind.ENCODE_FACE, WorkKind.INFER)
"""The kinds whose seconds are the models'."""
_PHASE_OF = {kind: phase for phase, kinds in reversed(KINDS_OF.items()) for kind in kinds}
_ORDER = tuple(Phase)
# Workers tell of frames, and what follows the last frame takes time as well: this is the frames' share.
_FRAMES_SHARE = {WorkKind.PREPARE: 0.97, WorkKind.STITCH: 0.8}
_PROVED_SHARE = 0.9
_HALF = 0.5


class DubSize(NamedTuple):
    """What a job's cost follows from.

    Attributes:
        preset: the model's; None for a job that analyses only.
        frames, megapixels: of the picture, and of each frame.
        megabytes: of the files that are probed.
        generated: frames that get mouths, all while that is not known.
        compares: there is an earlier revision to keep chunks of.
    """

    preset: str | None
    frames: int
    megapixels: float
    megabytes: float
    generated: int
    compares: bool = False


class Left(NamedTuple):
    """Seconds of one worker by kind, the kinds that a worker is busy with, and the seconds of one chunk."""

    seconds: dict[WorkKind, float]
    held: frozenset[WorkKind] = frozenset()
    chunk: float = 0.0

    @property
    def gpu_seconds(self) -> float:
        """Those of the models."""
        return sum(self.seconds.get(kind, 0.0) for kind in ON_GPU)


def whole(paces: Paces, size: DubSize, known: Collection[WorkKind] = ()) -> Left:
    """All of a job, but for the kinds that are ``known`` already."""
    preset, frames = size.preset or "", size.frames
    amounts: dict[WorkKind, tuple[float, int]] = {WorkKind.PROBE: (size.megabytes, 2), WorkKind.PREPARE: (frames, 1)}
    if size.preset is not None:
        amounts |= {WorkKind.COMPARE: (frames, 1)} if size.compares else {}
        amounts |= dict.fromkeys((WorkKind.ENCODE_SPEECH, WorkKind.STITCH), (frames, 1))
        amounts |= {WorkKind.ENCODE_FACE: (size.generated, 1), WorkKind.INFER: (size.generated, chunks_in(size.generated))}
    seconds = {
        kind: paces.seconds(kind, preset, amount, size.megapixels, items)
        for kind, (amount, items) in amounts.items()
        if kind not in known
    }
    return Left(seconds, chunk=seconds.get(WorkKind.INFER, 0.0) / max(chunks_in(size.generated), 1))


def left_by_phase(all_of_it: Left, phase: Phase, *, running: bool) -> Left:
    """What is left by the phase alone: of the one that is under way, half."""
    seconds = {}
    for kind, whole_seconds in all_of_it.seconds.items():
        distance = _ORDER.index(_PHASE_OF[kind]) - min(_ORDER.index(phase), _ORDER.index(Phase.STITCHING))
        seconds[kind] = whole_seconds * (0.0 if distance < 0 else _HALF if distance == 0 and running else 1.0)
    return all_of_it._replace(seconds=seconds)


def left_by_counts(all_of_it: Left, phase: Phase, counts: Counts, known: Mapping[WorkKind, KindCount]) -> Left:
    """What is left by what was counted of the job's items, and of those that others have asked for."""
    seconds: dict[WorkKind, float] = {}
    for kind, whole_seconds in all_of_it.seconds.items():
        count = counts.get(kind) or known.get(kind)
        if count is None or count.items == 0:
            over = _ORDER.index(_PHASE_OF[kind]) < _ORDER.index(phase)
            seconds[kind] = 0.0 if over else whole_seconds
        elif kind is WorkKind.INFER:
            seconds[kind] = _left_to_generate(whole_seconds, phase, counts)
        elif kind is WorkKind.PROBE:
            seconds[kind] = _unreported(whole_seconds * (count.items - count.done) / count.items, count.held_seconds)
        else:
            seconds[kind] = _left_of_one(whole_seconds, _share(kind, phase, count), count.held_seconds)
    held = frozenset(kind for kind, count in counts.items() if count.leased)
    return all_of_it._replace(seconds=seconds, held=held)


def _left_to_generate(seconds: float, phase: Phase, counts: Counts) -> float:
    """Until all faces are encoded, more chunks will be asked for than are there."""
    infer, faces = counts[WorkKind.INFER], counts.get(WorkKind.ENCODE_FACE, KindCount())
    if infer.done == infer.items and phase is not Phase.ENCODING:
        return 0.0
    frames = max(faces.units_total, infer.units_total) if phase is Phase.ENCODING else infer.units_total
    return seconds * (1 - min(infer.units_done / frames, 1.0)) if frames else seconds


def _share(kind: WorkKind, phase: Phase, count: KindCount) -> float:
    """How much of the time of an item is over, by what its worker told."""
    if count.done == count.items:
        return 1.0
    reported = min(count.units_done / count.units_total, 1.0) * _FRAMES_SHARE.get(kind, 1.0) if count.units_total else 0.0
    return max(reported, _PROVED_SHARE) if phase is Phase.VERIFYING and kind is WorkKind.STITCH else reported


def _left_of_one(foreseen: float, share: float, held: float) -> float:
    """The seconds left of an item: as foreseen at first, at its own pace towards its end.

    It never grows when the share does: 0 <= held <= expected makes both terms' slopes at most zero together.
    """
    expected = max(foreseen, held) if share < 1.0 else foreseen
    return (1 - share) * ((1 - share**2) * expected + share * held)


def _unreported(foreseen: float, held: float) -> float:
    """The same of items whose workers tell nothing before their end."""
    return max(foreseen - held, foreseen / 5)
