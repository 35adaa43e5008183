"""One network's optimiser steps: accumulation, clipping, warm-up, averaged weights, and what happens when a loss is no number.

This is the only place where weights are changed: methods take their steps by it, and so do the small networks (``optimise``).

Choices:
- A step whose gradient is not finite is not taken at all. (Replacing the bad numbers would either hide them or, with an
  infinite norm, silently scale every other gradient to zero.) It is counted, the samples are named, and a run of them ends it.
- The decision rests on the norm over all shards, so every rank takes it alike without a message.
- Every sample of a step weighs the same, however the batch was cut into micro-batches.

Legend: B samples.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import structlog
import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

log = structlog.get_logger(__name__)

# ``linear``: to 0 over the run's second half; ``cosine``: to 0 along a cosine from the end of the warm-up.
LrDecay = Literal["none", "linear", "cosine"]


class DivergedError(RuntimeError):
    """Too many steps in a row had no finite gradient; ``samples`` are those of the last step, where they are known."""

    def __init__(self, why: str, samples: Sequence[str] = ()) -> None:
        super().__init__(why)
        self.samples = tuple(samples)


@dataclass(frozen=True, slots=True)
class UpdatePlan:
    """Hyper-parameters of AdamW and what surrounds it.

    Attributes:
        lr: learning rate after warm-up.
        betas: AdamW's.
        eps: AdamW's.
        weight_decay: AdamW's.
        decay_vectors: biases and norms decay too; otherwise matrices and kernels alone.
        warm_up: steps of linear warm-up.
        lr_decay: how the rate falls afterwards (``LrDecay``).
        clip: largest norm of the whole gradient.
        ema: decay of the averaged weights; None keeps none.
        max_skipped: steps in a row without a finite gradient before the run ends.

    Raises:
        ValueError: an unknown decay of the rate.
    """

    lr: float
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.01
    decay_vectors: bool = True
    warm_up: int = 0
    lr_decay: LrDecay = "none"
    clip: float = 10.0
    ema: float | None = None
    max_skipped: int = 5

    def __post_init__(self) -> None:
        """Refuse what does not exist."""
        if self.lr_decay not in get_args(LrDecay):
            raise ValueError(f"the rate decays {', '.join(get_args(LrDecay))}, not {self.lr_decay!r}")

    def rate(self, step: int, steps: int = 0) -> float:
        """Learning rate of step number ``step``, from 1, of a run of ``steps``; how many matters only if the rate decays."""
        risen, left = min(1.0, step / self.warm_up) if self.warm_up else 1.0, 1.0
        if self.lr_decay == "linear":
            left = 2.0 * (steps - step + 1) / steps
        elif self.lr_decay == "cosine":
            done = (step - 1 - self.warm_up) / max(1, steps - self.warm_up)
            left = 0.5 * (1.0 + math.cos(math.pi * min(1.0, max(0.0, done))))
        return self.lr * min(risen, left)


@dataclass(slots=True)
class _Tally:
    steps: int = 0
    skipped: int = 0
    in_a_row: int = 0
    suspects: list[str] = field(default_factory=list)


class Updater:
    """Steps the trainable parameters of one network.

    Args:
        name: of the network, in errors and figures.
        module: parameters with ``requires_grad`` are trained; float32, sharded or whole.
        plan: hyper-parameters.
        steps: of the whole run; needed if the rate decays.

    Raises:
        ValueError: nothing is trainable, or a rate that decays over a run of unknown length.
    """

    def __init__(self, name: str, module: nn.Module, plan: UpdatePlan, steps: int | None = None) -> None:
        if plan.lr_decay != "none" and steps is None:
            raise ValueError(f"the rate of {name} decays over a run whose steps are not known")
        self._name, self._plan, self._steps, self._tally = name, plan, steps or 0, _Tally()
        self._named = {key: parameter for key, parameter in module.named_parameters() if parameter.requires_grad}
        self.parameters = list(self._named.values())
        if not self.parameters:
            raise ValueError(f"{name} has no parameter that is to be trained")
        decayed = [parameter for parameter in self.parameters if plan.decay_vectors or parameter.ndim > 1]
        groups: list[dict[str, Any]] = [{"params": decayed}]
        if len(decayed) < len(self.parameters):
            groups.append({"params": [p for p in self.parameters if p.ndim <= 1], "weight_decay": 0.0})
        self._optimiser = torch.optim.AdamW(groups, lr=plan.lr, betas=plan.betas, eps=plan.eps, weight_decay=plan.weight_decay)
        self.ema = None if plan.ema is None else [parameter.detach().clone() for parameter in self.parameters]

    @property
    def steps(self) -> int:
        """Steps taken or skipped so far."""
        return self._tally.steps

    def backward(self, loss_B: Tensor, names: Sequence[str], samples: int) -> None:
        """Add the gradient of a micro-batch.

        Args:
            loss_B: of every sample.
            names: of the samples; those whose loss is no number are remembered.
            samples: in the whole step of this rank, so that the gradient is that of their mean.
        """
        finite = torch.isfinite(loss_B.detach()).tolist()
        self._tally.suspects += [name for name, good in zip(names, finite, strict=True) if not good]
        torch.autograd.backward(loss_B.sum() / samples)

    def apply(self, names: Sequence[str]) -> dict[str, float]:
        """Take the step that the gradients make up.

        Args:
            names: of all samples of the step, for the case that the gradient but no loss was bad.

        Returns:
            ``<name>/gradient``, ``<name>/rate``, ``<name>/skipped``.

        Raises:
            DivergedError: too many steps in a row had no finite gradient; names the samples.
        """
        tally = self._tally
        tally.steps += 1
        norm = self._clip()
        rate = self._plan.rate(tally.steps, self._steps)
        if torch.isfinite(norm):
            tally.in_a_row = 0
            for group in self._optimiser.param_groups:
                group["lr"] = rate
            self._optimiser.step()
            self._follow()
        else:
            self._skip(_everywhere(tally.suspects) or list(names))
        tally.suspects = []
        self._optimiser.zero_grad(set_to_none=True)
        return {
            f"{self._name}/gradient": float(norm),
            f"{self._name}/rate": rate,
            f"{self._name}/skipped": float(tally.skipped),
        }

    def tensors(self) -> dict[str, Tensor]:
        """The live tensors of the state by ``<kind>/<parameter>``: weights, both moments, Adam's count, averaged weights.

        Of a sharded network those of this rank's shards.
        """
        found = {f"weights/{key}": parameter.detach() for key, parameter in self._named.items()}
        for key, parameter in self._named.items():
            found |= {f"{kind}/{key}": value for kind, value in self._optimiser.state.get(parameter, {}).items()}
        for key, averaged in zip(self._named, self.ema or (), strict=self.ema is not None):
            found[f"ema/{key}"] = averaged
        return {name: _local(value) for name, value in found.items()}

    def counts(self) -> dict[str, int]:
        """Steps taken, skipped, and skipped in a row."""
        tally = self._tally
        return {"steps": tally.steps, "skipped": tally.skipped, "in_a_row": tally.in_a_row}

    @torch.no_grad()
    def restore(self, tensors: Mapping[str, Tensor], counts: Mapping[str, int]) -> None:
        """Continue from the state that ``tensors`` and ``counts`` gave.

        Raises:
            ValueError: it is the state of another network or of other settings; nothing has been changed then.
        """
        kinds = ("weights", "ema") if self.ema is not None else ("weights",)
        wanted = {f"{kind}/{key}": _local(p).shape for key, p in self._named.items() for kind in kinds}
        given = {name: value.shape for name, value in tensors.items() if name.split("/")[0] in ("weights", "ema")}
        if wrong := sorted(name for name in wanted.keys() | given.keys() if wanted.get(name) != given.get(name)):
            listed = ", ".join(wrong[:3])
            raise ValueError(f"{self._name}: {len(wrong)} tensors of the checkpoint do not fit, among them {listed}")
        for place, (key, parameter) in enumerate(self._named.items()):
            _local(parameter).copy_(tensors[f"weights/{key}"])
            if f"exp_avg/{key}" in tensors:
                moments = {kind: torch.zeros_like(parameter) for kind in ("exp_avg", "exp_avg_sq")}
                for kind, empty in moments.items():
                    _local(empty).copy_(tensors[f"{kind}/{key}"])
                self._optimiser.state[parameter] = {"step": tensors[f"step/{key}"].clone(), **moments}
            if self.ema is not None:
                _local(self.ema[place]).copy_(tensors[f"ema/{key}"])
        self._tally = _Tally(counts["steps"], counts["skipped"], counts["in_a_row"])

    @torch.no_grad()
    def swap_ema(self) -> None:
        """Exchange weights and averaged weights, where there are such, to evaluate or publish; a second call restores them."""
        for averaged, live in zip(self.ema or (), self.parameters, strict=self.ema is not None):
            before = live.detach().clone()
            live.copy_(averaged)
            averaged.copy_(before)

    def _clip(self) -> Tensor:
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, self._plan.clip)
        return norm.full_tensor() if isinstance(norm, DTensor) else norm

    @torch.no_grad()
    def _follow(self) -> None:
        if self.ema is not None and self._plan.ema is not None:
            # Short memory first, so that the start is forgotten.
            weight = 1.0 - min(self._plan.ema, (1.0 + self._tally.steps) / (10.0 + self._tally.steps))
            torch._foreach_lerp_(self.ema, [parameter.detach() for parameter in self.parameters], weight)

    def _skip(self, suspects: list[str]) -> None:
        tally = self._tally
        tally.skipped, tally.in_a_row = tally.skipped + 1, tally.in_a_row + 1
        log.warning("step skipped", network=self._name, step=tally.steps, in_a_row=tally.in_a_row, samples=suspects)
        if tally.in_a_row >= self._plan.max_skipped:
            raise DivergedError(
                f"{self._name}: {tally.in_a_row} steps up to step {tally.steps} had no finite gradient; last samples: "
                f"{', '.join(suspects)}",
                suspects,
            )


def precision(device: torch.device, *, half: bool) -> torch.autocast:
    """Matrix products in bfloat16, or everything as it is; around whole steps, for what is cast is kept until the end."""
    return torch.autocast(device.type, torch.bfloat16, enabled=half)


def _local(tensor: Tensor) -> Tensor:
    """This rank's shard of a sharded tensor, or the tensor."""
    return (tensor.to_local() if isinstance(tensor, DTensor) else tensor).detach()


def _everywhere(names: list[str]) -> list[str]:
    """The names that any rank holds; called by all ranks or by none."""
    if not torch.distributed.is_initialized():
        return names
    held: list[list[str]] = [[] for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather_object(held, names)
    return [name for one in held for name in one]
