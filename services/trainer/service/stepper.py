"""``optimise.optimise`` one step at a time, with a state that can be saved and restored, over several processes.

A test compares the two: the same losses and the same weights, bit for bit.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from dubbing.errors import CheckpointMismatch, TrainingDiverged
from services.trainer.optimise import Optimisation, Parts, averaged, optimisers_of
from services.trainer.service.group import Group
from services.trainer.service.stage import State, StepReport

_OPTIMISER = "optimiser/"


class Stepper:
    """Trains the parameters of ``module`` that require gradients.

    Args:
        module: what is trained; its weights may be in half precision, the optimiser's are float32.
        plan: the optimisation.
        group: gradients are averaged over its processes.
    """

    def __init__(self, module: nn.Module, plan: Optimisation, group: Group) -> None:
        self._module, self._plan, self._group = module, plan, group
        live = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
        self._live = live
        self._trained = {name: nn.Parameter(p.detach().float().clone()) for name, p in live.items()}
        self._average = {name: p.detach().clone() for name, p in self._trained.items()}
        self._optimisers = optimisers_of(list(self._trained.values()), plan)
        self._groups = [group for optimiser in self._optimisers for group in optimiser.param_groups]
        self._of = {id(p): optimiser for optimiser in self._optimisers for g in optimiser.param_groups for p in g["params"]}
        self.step = self._skipped = self._in_a_row = 0

    @property
    def parameters(self) -> int:
        """Number of trained parameters."""
        return sum(parameter.numel() for parameter in self._trained.values())

    def advance(self, loss_of: Callable[[], tuple[Parts, Sequence[Any]]]) -> StepReport:
        """Take one step.

        Args:
            loss_of: loss parts and the names of the samples that they are of; their sum is minimised.

        Raises:
            TrainingDiverged: too many steps in a row gave no finite loss or gradient; names the samples of the last one.
        """
        for group in self._groups:
            group["lr"] = self._plan.rate(self.step)
        parts, samples = loss_of()
        total = torch.stack(list(parts.values())).sum()
        figures = {name: float(value.detach()) for name, value in parts.items()}
        seen = len(samples) * self._group.world
        if not self._group.all_of(flag=bool(torch.isfinite(total))):
            self._skip(figures, samples)
            return StepReport(figures, None, seen, self._skipped)
        norm = self._gradient(total)
        if not torch.isfinite(norm):  # the same for all processes, whose gradients are averaged
            self._skip(figures, samples)
            return StepReport(figures, None, seen, self._skipped)
        self._descend()
        self.step, self._in_a_row = self.step + 1, 0
        return StepReport(figures, float(norm), seen, self._skipped)

    def _gradient(self, total: Tensor) -> Tensor:
        """Leave the clipped gradient of all processes in the trained parameters; returns its norm before."""
        self._module.zero_grad(set_to_none=True)
        total.backward()
        for name, master in self._trained.items():
            gradient = self._live[name].grad
            master.grad = None if gradient is None else gradient.float()
        self._group.mean_([p.grad for p in self._trained.values() if p.grad is not None])
        norm: Tensor = torch.nn.utils.clip_grad_norm_(self._trained.values(), self._plan.clip)
        return norm

    def _descend(self) -> None:
        for optimiser in self._optimisers:
            optimiser.step()
        self._spread()
        weight = 1.0 - averaged(self._plan.average, self.step)
        torch._foreach_lerp_(list(self._average.values()), [p.detach() for p in self._trained.values()], weight)

    def _skip(self, figures: Mapping[str, float], samples: Sequence[Any]) -> None:
        at = self.step
        self.step, self._skipped, self._in_a_row = self.step + 1, self._skipped + 1, self._in_a_row + 1
        if self._in_a_row >= self._plan.patience:
            raise TrainingDiverged(
                f"{self._in_a_row} steps up to step {at} gave no finite loss; the last one had samples "
                f"{', '.join(map(str, samples))}.",
                where={"stage": "training", "step": at, "samples": [str(sample) for sample in samples]},
                suggestions=("look at these samples", "start a run with a lower learning rate"),
                media={name: str(value) for name, value in figures.items()},
            )

    @torch.no_grad()
    def _spread(self) -> None:
        for name, parameter in self._live.items():
            parameter.copy_(self._trained[name])

    def average(self) -> dict[str, Tensor]:
        """The averaged weights, float32, by name of the parameter."""
        return dict(self._average)

    def state(self) -> State:
        """See `Stage.state`."""
        shared = {f"weights/{name}": p.detach() for name, p in self._trained.items()}
        shared |= {f"average/{name}": p for name, p in self._average.items()}
        for name, parameter in self._trained.items():
            held = self._of[id(parameter)].state.get(parameter, {})
            shared |= {f"{_OPTIMISER}{key}/{name}": tensor for key, tensor in held.items()}
        own = {"rng": torch.get_rng_state()}
        if torch.cuda.is_available():
            own["rng_cuda"] = torch.cuda.get_rng_state()
        values = {"step": self.step, "skipped": self._skipped, "in_a_row": self._in_a_row}
        return State(shared, own, values)

    @torch.no_grad()
    def restore(self, state: State) -> None:
        """See `Stage.restore`."""
        self._compare(state)
        for name, parameter in self._trained.items():
            parameter.copy_(state.shared[f"weights/{name}"])
            self._average[name].copy_(state.shared[f"average/{name}"])
        for full, tensor in state.shared.items():
            if full.startswith(_OPTIMISER):
                key, name = full.removeprefix(_OPTIMISER).split("/")
                parameter = self._trained[name]
                self._of[id(parameter)].state[parameter][key] = tensor.clone()
        self._spread()
        self.step, self._skipped, self._in_a_row = (state.values[name] for name in ("step", "skipped", "in_a_row"))
        torch.set_rng_state(state.own["rng"])
        if "rng_cuda" in state.own:
            torch.cuda.set_rng_state(state.own["rng_cuda"])

    def _compare(self, state: State) -> None:
        given = {name[8:]: tuple(t.shape) for name, t in state.shared.items() if name.startswith("weights/")}
        wanted = {name: tuple(p.shape) for name, p in self._trained.items()}
        wrong = sorted(name for name in given.keys() | wanted.keys() if given.get(name) != wanted.get(name))
        if wrong:
            shown = ", ".join(f"{name} is {given.get(name)}, not {wanted.get(name)}" for name in wrong[:3])
            raise CheckpointMismatch(
                f"{len(wrong)} parameters of the checkpoint do not fit the network: {shown}.",
                where={"stage": "training", "parameters": wrong[:20]},
                suggestions=("resume with the recipe and settings that made the checkpoint",),
            )
