"""Small networks trained in one go: codec, speech encoder, decoder, mouth reader, SyncNet. Their steps are ``update``'s.

Unlike a method's run, such a training is not cut into steps that are saved; its result is kept whole.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
import torch
from torch import Tensor, nn

from services.trainer.common.update import UpdatePlan, Updater

log = structlog.get_logger(__name__)

Parts = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Optimisation:
    """How one small network is optimised; the rate falls along a cosine.

    Attributes:
        steps: optimiser steps.
        batch: samples in one step.
        lr: peak learning rate.
        warm_up: steps of linear warm-up.
        weight_decay: on matrices and kernels only.
        betas: AdamW's.
        clip: largest gradient norm.
        ema: decay of the averaged weights, which are the result.
        max_skipped: steps in a row without a finite gradient before it ends.
    """

    steps: int
    batch: int
    lr: float
    warm_up: int = 50
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.95)
    clip: float = 1.0
    ema: float = 0.995
    max_skipped: int = 5

    @property
    def update(self) -> UpdatePlan:
        """The same for an ``Updater``."""
        return UpdatePlan(
            self.lr, self.betas, weight_decay=self.weight_decay, decay_vectors=False, warm_up=self.warm_up, lr_decay="cosine",
            clip=self.clip, ema=self.ema, max_skipped=self.max_skipped,
        )  # fmt: skip


@dataclass(slots=True)
class Curve:
    """What a training did: mean losses by step, wall time, steps skipped for NaN."""

    steps: list[int] = field(default_factory=list)
    losses: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    skipped: int = 0

    def to_json(self) -> dict[str, Any]:
        """For ``model.json``: the last losses and the totals."""
        return {"steps": self.steps[-1] if self.steps else 0, "seconds": round(self.seconds), "skipped": self.skipped,
                "final": self.losses[-1] if self.losses else {}}  # fmt: skip


def optimise(
    module: nn.Module, loss_of: Callable[[int], Parts], plan: Optimisation, *, stage: str, report_every: int = 50
) -> Curve:
    """Train ``module`` (float32) in place and leave its averaged weights in it.

    ``loss_of`` gives the loss parts of a step (from 0) by name; their sum is minimised. The curve has an entry every
    ``report_every`` steps.

    Raises:
        DivergedError: ``plan.max_skipped`` steps in a row gave no finite gradient.
    """
    update = Updater(stage, module, plan.update, plan.steps)
    curve, since, began = Curve(), list[dict[str, float]](), time.monotonic()  # parts of the steps since the last entry
    for step in range(plan.steps):
        parts, names = loss_of(step), [f"batch {step + 1}"]
        update.backward(torch.stack(list(parts.values())).sum()[None], names, 1)
        figures, before = update.apply(names), curve.skipped
        curve.skipped = update.counts()["skipped"]
        if curve.skipped == before:
            gradient = figures[f"{stage}/gradient"]
            since.append({**{name: float(value.detach()) for name, value in parts.items()}, "gradient": gradient})
        if (step + 1) % report_every == 0 or step + 1 == plan.steps:
            curve.seconds = time.monotonic() - began
            curve.steps.append(step + 1)
            curve.losses.append({name: round(sum(one[name] for one in since) / len(since), 5) for name in (since or [{}])[0]})
            since.clear()
            per_step = curve.seconds / (step + 1)
            log.info("training", stage=stage, step=step + 1, of=plan.steps, seconds_per_step=round(per_step, 3),
                     minutes_left=round(per_step * (plan.steps - step - 1) / 60, 1), **curve.losses[-1])  # fmt: skip
    update.swap_ema()
    return curve
