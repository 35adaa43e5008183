"""The trajectory analysis of the study's own teacher, on its own held-out clips.

Choice: ``sync`` is Sync-C at shift 0, which is also what the reward is: a mouth that fits another moment is not in sync.

Legend: B clips, Z latent channels, T latent frames, h/w latent side.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog
from torch import Tensor

from services.trainer.methods.samples import Clips
from services.trainer.methods.teacher import Teacher
from services.trainer.metrics.mouth_series import correlation
from studies.ablation.held_out import StudyClips
from studies.ablation.judge import StudyJudge, mouth_error
from studies.ablation.result_cache import TrainedNetwork
from studies.ablation.rows import pick
from studies.ablation.stages import Stages
from studies.trajectory.analysis import COST, SYNC, Recommendation, TrajectoryRow, analyse, write

log = structlog.get_logger(__name__)
_SEED = 42  # of the noise, the same for all clips and settings
_LANDINGS = 10  # to how many steps the jumps go


class InTimeJudge:
    """``trajectory.Judge`` by Sync-C at shift 0 and the mouth's mean squared error.

    Args:
        judge: decodes and scores; its detector is not used.
    """

    def __init__(self, judge: StudyJudge) -> None:
        self._judge = judge

    def __call__(self, x0_BZThw: Tensor, clips: Clips) -> Mapping[str, Sequence[float]]:
        """See ``trajectory.Judge``; raises ValueError for clips without waveforms."""
        generated, true = self._judge.pictures(x0_BZThw), self._judge.pictures(clips.x0_BZThw)
        scores = [self._judge.scorer.score(*pair) for pair in zip(generated, clips.needed_waveforms(), strict=True)]
        return {
            SYNC: [score.in_time for score in scores],
            "read_open": [self._follows(*pair) for pair in zip(generated, true, strict=True)],
            "sync_c": [score.confidence for score in scores],
            COST: [mouth_error(*pair) for pair in zip(generated, true, strict=True)],
        }

    def _follows(self, generated_VHWC: Tensor, true_VHWC: Tensor) -> float:
        """Correlation of both mouths' opening, as read."""
        return correlation(*(self._judge.read(crops)[:, 0] for crops in (generated_VHWC, true_VHWC)))


def trajectory(
    stages: Stages, trained: TrainedNetwork, judge: StudyJudge, held: StudyClips, *, count: int, out: Path
) -> Recommendation:
    """Analyse a teacher clip by clip; leaves rows, means, plots and recipe fragment in ``out``.

    Args:
        stages: of the study.
        trained: the teacher.
        judge: of clips; no student was rewarded by its SyncNet.
        held: the clips.
        count: how many of them.
        out: folder.

    Raises:
        ValueError: see ``recommend``; rows and means are written before.
    """
    sizes = stages.sizes
    teacher = Teacher(sizes.teaching, trained.network, stages.null)
    by, every = InTimeJudge(judge), max(1, sizes.ode // _LANDINGS)
    rows: list[TrajectoryRow] = []
    for index in range(count):
        rows += analyse(teacher, pick(held.clips, index), by, seed=_SEED, landings=range(every, sizes.ode, every))
        log.info("analysed", clip=index + 1, of=count)
    return write(rows, out)
