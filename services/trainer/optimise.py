"""One optimisation loop for every stage: AdamW or Muon, warm-up and cosine decay, clipping, averaged weights, NaN guard."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
import torch
from torch import Tensor, nn

log = structlog.get_logger(__name__)

Parts = Mapping[str, Tensor]
_HIDDEN = 96  # least number of rows and of columns of a hidden matrix


class DivergedError(RuntimeError):
    """Too many steps in a row gave a loss that is no number; ``samples`` are those of the last step, where they are known."""

    def __init__(self, why: str, samples: Sequence[str] = ()) -> None:
        super().__init__(why)
        self.samples = tuple(samples)


@dataclass(frozen=True, slots=True)
class Optimisation:
    """How one stage is optimised.

    Attributes:
        steps: optimiser steps.
        batch: samples in one step.
        lr: peak learning rate.
        warm_up: steps of linear warm-up; after them the rate falls to 0 along a cosine.
        weight_decay: on matrices and kernels only.
        betas: AdamW's.
        clip: largest gradient norm.
        average: decay of the exponential average of the weights that the stage returns.
        muon: hidden matrices are trained by Muon (momentum made orthogonal; Jordan, 2024) at AdamW's update size.
        patience: steps in a row whose loss is no number before the stage gives up.
    """

    steps: int
    batch: int
    lr: float
    warm_up: int = 50
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.95)
    clip: float = 1.0
    average: float = 0.995
    muon: bool = False
    patience: int = 5

    def rate(self, step: int) -> float:
        """Learning rate of step number ``step`` (0-based)."""
        if step < self.warm_up:
            return self.lr * (step + 1) / self.warm_up
        done = (step - self.warm_up) / max(1, self.steps - self.warm_up)
        return self.lr * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))


@dataclass(slots=True)
class Curve:
    """What a stage did: mean losses by step, wall time, steps skipped for NaN."""

    steps: list[int] = field(default_factory=list)
    losses: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    skipped: int = 0

    def to_json(self) -> dict[str, Any]:
        """For ``model.json``: the last losses and the totals."""
        return {"steps": self.steps[-1] if self.steps else 0, "seconds": round(self.seconds), "skipped": self.skipped,
                "final": self.losses[-1] if self.losses else {}}  # fmt: skip


def averaged(decay: float, step: int) -> float:
    """Decay of the averaged weights at ``step``: short memory first, so that the start is forgotten."""
    return min(decay, (1.0 + step) / (10.0 + step))


def optimise(
    module: nn.Module, loss_of: Callable[[int], Parts], plan: Optimisation, *, stage: str, report_every: int = 50
) -> Curve:
    """Train ``module`` in place and leave its averaged weights in it, as float32.

    Args:
        module: what is trained; parameters with ``requires_grad`` off stay as they are.
        loss_of: loss parts of one step, by name; their sum is minimised.
        plan: the optimisation.
        stage: name in the log.
        report_every: steps between two entries of the curve.

    Raises:
        DivergedError: ``plan.patience`` steps in a row gave no finite loss, or none with a finite gradient.
    """
    live = [p for p in module.parameters() if p.requires_grad]
    trained = [nn.Parameter(p.detach().float().clone()) for p in live]  # a half-precision module learns through these
    optimisers = optimisers_of(trained, plan)
    average = [p.detach().clone() for p in trained]
    curve, window, in_a_row, began = Curve(), _Window(), 0, time.monotonic()
    for step in range(plan.steps):
        for group in (group for optimiser in optimisers for group in optimiser.param_groups):
            group["lr"] = plan.rate(step)
        parts = loss_of(step)
        total = torch.stack(list(parts.values())).sum()
        module.zero_grad(set_to_none=True)
        total.backward()
        for master, parameter in zip(trained, live, strict=True):
            master.grad = None if parameter.grad is None else parameter.grad.float()
        norm = torch.nn.utils.clip_grad_norm_(trained, plan.clip)
        if not torch.isfinite(total + norm):
            curve.skipped, in_a_row = curve.skipped + 1, in_a_row + 1
            if in_a_row >= plan.patience:
                raise DivergedError(f"{stage}: {in_a_row} steps up to step {step} gave no finite loss: {dict(parts)}")
            continue
        in_a_row = 0
        for optimiser in optimisers:
            optimiser.step()
        _copy(live, trained)
        torch._foreach_lerp_(average, list[Tensor](trained), 1.0 - averaged(plan.average, step))
        window.add({**parts, "gradient": norm})
        if (step + 1) % report_every == 0 or step + 1 == plan.steps:
            curve.seconds = time.monotonic() - began
            curve.steps.append(step + 1)
            curve.losses.append(window.means())
            per_step = curve.seconds / (step + 1)
            log.info("training", stage=stage, step=step + 1, of=plan.steps, seconds_per_step=round(per_step, 3),
                     minutes_left=round(per_step * (plan.steps - step - 1) / 60, 1), **curve.losses[-1])  # fmt: skip
    module.float()
    _copy([p for p in module.parameters() if p.requires_grad], average)
    return curve


def optimisers_of(trained: Sequence[nn.Parameter], plan: Optimisation) -> list[torch.optim.Optimizer]:
    """AdamW for everything, or for what Muon is not meant for: vectors, kernels, and matrices that touch a narrow end."""
    hidden = [p for p in trained if plan.muon and p.ndim == 2 and min(p.shape) >= _HIDDEN]
    left = [p for p in trained if all(p is not other for other in hidden)]
    adam = torch.optim.AdamW(
        [{"params": [p for p in left if p.ndim > 1], "weight_decay": plan.weight_decay},
         {"params": [p for p in left if p.ndim <= 1], "weight_decay": 0.0}],
        lr=plan.lr, betas=plan.betas,
    )  # fmt: skip
    if not hidden:
        return [adam]
    return [adam, torch.optim.Muon(hidden, lr=plan.lr, weight_decay=plan.weight_decay, adjust_lr_fn="match_rms_adamw")]


@torch.no_grad()
def _copy(into: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    for parameter, value in zip(into, values, strict=True):
        parameter.copy_(value)


class _Window:
    """Running means of the loss parts since the last report."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._count = 0

    def add(self, parts: Parts) -> None:
        self._count += 1
        for name, value in parts.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value.detach())

    def means(self) -> dict[str, float]:
        means = {name: round(total / self._count, 5) for name, total in self._sums.items()}
        self._sums, self._count = {}, 0
        return means
