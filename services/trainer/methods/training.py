"""What a service drives: methods that take micro-batches and do one optimiser step.

Legend: B samples.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from lipforcing.network import LipNetwork
from services.trainer.methods.draws import Draws
from services.trainer.methods.samples import Clips
from services.trainer.methods.update import UpdatePlan, Updater

Figures = dict[str, float]


class Method(Protocol):
    """One stage of training.

    A step is a function of the weights, the optimiser's state, the micro-batches and the step's number. Steps are numbered from
    1 and a run of n steps takes n of them.
    """

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """The networks that are trained, by name; their state dicts belong into a checkpoint beside ``state_dict``."""

    def step(self, number: int, micro_batches: Sequence[Clips]) -> Figures:
        """Take step ``number``; returns loss parts, gradient norms, rewards and rates by name.

        Raises:
            DivergedError: too many steps in a row without a finite gradient.
        """

    def state_dict(self) -> dict[str, Any]:
        """Optimisers, averaged weights and counts."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where ``state_dict`` was taken."""


class Objective(Protocol):
    """A loss of one network on given clips."""

    def losses(self, network: LipNetwork, clips: Clips, draws: Draws) -> Tensor:
        """Loss of every clip, [B]."""


class Supervised:
    """One network, one objective: the teacher and Stage 1.

    Args:
        network: what is trained.
        objective: what it is trained on.
        plan: hyper-parameters of the optimiser.
        seed: of everything that is drawn.
        shared: places that decide together (``Draws``).
    """

    def __init__(self, network: LipNetwork, objective: Objective, plan: UpdatePlan, seed: int, shared: int = 1 << 30) -> None:
        self._network, self._objective, self._seed, self._shared = network, objective, seed, shared
        self.update = Updater("network", network, plan)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """See ``Method``."""
        return {"network": self._network}

    def step(self, number: int, micro_batches: Sequence[Clips]) -> Figures:
        """See ``Method``."""
        samples, total = sum(map(len, micro_batches)), 0.0
        for clips, last in marked_last(micro_batches):
            sync_gradients(self._network, on=last)
            loss_B = self._objective.losses(self._network, clips, Draws(self._seed, number, clips.places, self._shared))
            self.update.backward(loss_B, clips.names, samples)
            total += float(loss_B.detach().sum()) / samples
        return {"loss": total, **self.update.apply([name for clips in micro_batches for name in clips.names])}

    def state_dict(self) -> dict[str, Any]:
        """See ``Method``."""
        return {"network": self.update.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See ``Method``."""
        self.update.load_state_dict(state["network"])


def marked_last(micro_batches: Sequence[Clips]) -> list[tuple[Clips, bool]]:
    """Micro-batches, each with whether it is the last one."""
    return [(clips, index == len(micro_batches) - 1) for index, clips in enumerate(micro_batches)]


def sync_gradients(network: nn.Module, *, on: bool) -> None:
    """Reduce gradients over ranks in the coming backward pass, or only add them up here (sharded networks)."""
    if isinstance(network, torch.distributed.fsdp.FSDPModule):
        network.set_requires_gradient_sync(on)
