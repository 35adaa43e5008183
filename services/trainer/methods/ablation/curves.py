"""The trajectory analysis of the study's own teacher, on its own held-out clips."""

from pathlib import Path

import structlog

from lipforcing.syncnet import SyncScorer
from services.trainer.methods.ablation.held_out import HeldOut
from services.trainer.methods.ablation.rows import pick
from services.trainer.methods.ablation.shelf import Made
from services.trainer.methods.ablation.stages import Stages
from services.trainer.methods.teacher import Teacher
from services.trainer.methods.trajectory import PictureJudge, Recommendation, Row, analyse, write

log = structlog.get_logger(__name__)
_SEED = 42  # of the noise, the same for all clips and settings
_LANDINGS = 10  # to how many steps the jumps go


def trajectory(stages: Stages, made: Made, scorer: SyncScorer, held: HeldOut, *, count: int, out: Path) -> Recommendation:
    """Analyse a teacher clip by clip; leaves rows, means, plots and recipe fragment in ``out``.

    Args:
        stages: of the study.
        made: the teacher.
        scorer: judges sync; no student was rewarded by it.
        held: the clips.
        count: how many of them.
        out: folder.

    Raises:
        ValueError: see ``recommend``; rows and means are written before.
    """
    sizes = stages.sizes
    teacher = Teacher(sizes.teaching, made.network, stages.null)
    judge, every = PictureJudge(stages.codec, scorer), max(1, sizes.ode // _LANDINGS)
    rows: list[Row] = []
    for index in range(count):
        rows += analyse(teacher, pick(held.clips, index), judge, seed=_SEED, landings=range(every, sizes.ode, every))
        log.info("analysed", clip=index + 1, of=count)
    return write(rows, out)
