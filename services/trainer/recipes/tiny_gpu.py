"""The same on one large GPU, of four times the speakers; the committed student is made so.

Stage 1 decodes mouths in its loss. Stage 2 runs on two cores too, in an hour. Guidance 2 would buy opening with error in the
mouth; 1.75 for twice as long buys three quarters of it for little more than half of the error (docs/results/training.md).
"""

from dataclasses import replace

from services.trainer.recipes.tiny import DF_TINY, SF_TINY, STAGE_1, STAGE_2, TEACHER_TINY

_BATCH, _TAKES = 64, 1_920

_TEACHER = replace(
    TEACHER_TINY,
    name="teacher_tiny_gpu",
    summary="The same teacher on one GPU, of four times the speakers.",
    update=replace(TEACHER_TINY.update, warm_up=100, ema=0.998),
    steps=1_600,
    batch=_BATCH,
    micro=_BATCH,
    takes=_TAKES,
    accelerator=True,
)

_STAGE_1 = replace(
    DF_TINY,
    name="df_tiny_gpu",
    summary="A student from that teacher, Stage 1, on one GPU; mouths are decoded in the loss.",
    stage=replace(STAGE_1, picture=1.0),
    update=replace(DF_TINY.update, lr=1e-3, warm_up=100, ema=0.998),
    steps=2_200,
    batch=_BATCH,
    micro=_BATCH,
    takes=_TAKES,
    follows="teacher_tiny_gpu",
    accelerator=True,
)

_STAGE_2 = replace(
    SF_TINY,
    name="sf_tiny_gpu",
    summary="A student from that Stage 1, Stage 2; cores will do. The committed weights.",
    stage=replace(STAGE_2, guidance=replace(STAGE_2.guidance, scale=1.75)),
    steps=400,
    batch=32,
    micro=32,
    sync=replace(SF_TINY.sync, plan=replace(SF_TINY.sync.plan, steps=800)),
    takes=_TAKES,
    follows="df_tiny_gpu",
    taught_by="teacher_tiny_gpu",
)

RECIPES = (_TEACHER, _STAGE_1, _STAGE_2)
