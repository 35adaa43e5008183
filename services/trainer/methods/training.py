"""What a service drives: methods that take micro-batches and do one optimiser step.

Legend: B samples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from lipforcing.network import LipNetwork
from services.trainer.common.update import UpdatePlan, Updater
from services.trainer.methods.draws import Draws
from services.trainer.methods.samples import Clips

Figures = dict[str, float]


class Method(Protocol):
    """One stage of training.

    A step is a function of the weights, the optimiser's state, the micro-batches and the step's number. Steps are numbered from
    1 and a run of n steps takes n of them.
    """

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """The networks that are trained, by name."""

    def step(self, number: int, micro_batches: Sequence[Clips]) -> Figures:
        """Take step ``number``; returns loss parts, gradient norms, rewards and rates by name.

        Raises:
            DivergedError: too many steps in a row without a finite gradient.
        """

    @property
    def updates(self) -> Mapping[str, Updater]:
        """Their optimisers, by the same names; ``state_of`` and ``restore`` save and continue all of it."""


class Objective(Protocol):
    """A loss of one network on given clips."""

    def losses(self, network: LipNetwork, clips: Clips, draws: Draws) -> Tensor:
        """Loss of every clip, [B]."""


class Supervised:
    """One network, one objective: the teacher and Stage 1. The run's steps must be known if the plan's rate decays."""

    def __init__(
        self, network: LipNetwork, objective: Objective, plan: UpdatePlan, *,
        seed: int, rng_group: int = 1 << 30, steps: int | None = None,
    ) -> None:  # fmt: skip
        self._network, self._objective, self._seed, self._rng_group = network, objective, seed, rng_group
        self.update = Updater("network", network, plan, steps)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """See ``Method``."""
        return {"network": self._network}

    def step(self, number: int, micro_batches: Sequence[Clips]) -> Figures:
        """See ``Method``."""
        samples, total = sum(map(len, micro_batches)), 0.0
        for clips, last in marked_last(micro_batches):
            # One exchange a step: until the last micro-batch gradients only add up here.
            sync_gradients(self._network, on=last)
            # [B]: one for each sample, so that a bad one can be named.
            loss_B = self._objective.losses(self._network, clips, Draws(self._seed, number, clips.places, self._rng_group))
            # Divided by the samples of the whole step, so that micro-batches of any size add up to its mean.
            self.update.backward(loss_B, clips.names, samples)
            # Of this process's samples only: the mean over ranks is not asked for.
            total += float(loss_B.detach().sum()) / samples
        return {"loss": total, **self.update.apply([name for clips in micro_batches for name in clips.names])}

    @property
    def updates(self) -> Mapping[str, Updater]:
        """See ``Method``."""
        return {"network": self.update}


@dataclass(frozen=True, slots=True)
class MethodState:
    """Everything that a resumed run needs; what is drawn depends on the step's number alone.

    Attributes:
        tensors: by ``<network>/<kind>/<parameter>``; this rank's shards where the networks are sharded.
        counts: by ``<network>``.
    """

    tensors: Mapping[str, Tensor]
    counts: Mapping[str, Mapping[str, int]]


def state_of(method: Method) -> MethodState:
    """The state now; its tensors are the live ones."""
    tensors = {f"{name}/{key}": value for name, one in method.updates.items() for key, value in one.tensors().items()}
    return MethodState(tensors, {name: one.counts() for name, one in method.updates.items()})


def restore(method: Method, state: MethodState) -> None:
    """Continue where ``state_of`` was taken.

    Raises:
        ValueError: the state is that of other networks or settings.
    """
    if state.counts.keys() != method.updates.keys():
        raise ValueError(f"the checkpoint is of {', '.join(state.counts)}, not of {', '.join(method.updates)}")
    for name, one in method.updates.items():
        prefix = f"{name}/"
        # Back from ``<network>/<kind>/<parameter>`` to what the network's own update calls it.
        mine = {key.removeprefix(prefix): value for key, value in state.tensors.items() if key.startswith(prefix)}
        one.restore(mine, state.counts[name])  # a network is checked before it is changed


def marked_last(micro_batches: Sequence[Clips]) -> list[tuple[Clips, bool]]:
    """Micro-batches, each with whether it is the last one."""
    return [(clips, index == len(micro_batches) - 1) for index, clips in enumerate(micro_batches)]


def sync_gradients(network: nn.Module, *, on: bool) -> None:
    """Reduce gradients over ranks in the coming backward pass, or only add them up here (sharded networks)."""
    # A whole network has nobody to exchange with.
    if isinstance(network, torch.distributed.fsdp.FSDPModule):
        network.set_requires_gradient_sync(on)
