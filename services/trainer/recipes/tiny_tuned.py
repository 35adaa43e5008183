"""The same in an hour of two cores: teacher and Stage 1 begin as the committed student.

The big ones begin as trained networks too. From nothing, two cores would need many hours for what a GPU learns in minutes. The
rates are low: what an hour can add to a longer training is less than what a high rate would undo. The gate lets the result pass
as equal, narrowly (docs/results/training.md).
"""

from dataclasses import replace

from dubbing.domain.networks import SERVED
from services.trainer.recipes.tiny import DF_TINY, SF_TINY, STAGE_1, STAGE_2, TEACHER_TINY

_BEGUN = f"{SERVED}1"
_RATE = 3e-5

_TEACHER = replace(
    TEACHER_TINY,
    name="teacher_tiny_tuned",
    summary="The same teacher in minutes: it begins as the committed student.",
    update=replace(TEACHER_TINY.update, lr=5e-4),
    steps=600,
    start=_BEGUN,
)

_STAGE_1 = replace(
    DF_TINY,
    name="df_tiny_tuned",
    summary="A student that begins as the committed one, Stage 1.",
    stage=replace(STAGE_1, picture=1.0),
    update=replace(DF_TINY.update, lr=_RATE, ema=0.995),
    steps=200,
    follows=None,
    start=_BEGUN,
)

_STAGE_2 = replace(
    SF_TINY,
    name="sf_tiny_tuned",
    summary="A student from that Stage 1 under that teacher, Stage 2.",
    stage=replace(STAGE_2, student=replace(STAGE_2.student, lr=_RATE), critic=replace(STAGE_2.critic, lr=_RATE)),
    steps=250,
    follows="df_tiny_tuned",
    taught_by="teacher_tiny_tuned",
)

RECIPES = (_TEACHER, _STAGE_1, _STAGE_2)
