"""Diffusion Forcing as a stage of the service: `train_forcing`, one step at a time. A test compares the two, bit for bit.

Legend: N clips, Z latent channels, T latent frames, h/w latent side.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lipforcing.network import LipNetwork, initialise
from lipforcing.presets import StudentConfig
from lipforcing.rollout import Student, generate
from lipforcing.vae.base import to_uint8
from lipforcing.vae.tiny import TinyCodec
from services.trainer.diffusion_forcing import Forcing, ForcingStage, start_from_reference
from services.trainer.latents import ClipLatents
from services.trainer.mouths import Mouths
from services.trainer.optimise import Parts
from services.trainer.service.group import Group
from services.trainer.service.stage import State, StepReport
from services.trainer.service.stepper import Stepper
from services.trainer.sheet import draw_sheet

# Ranks learn from different draws; a prime, so that no two seeds of neighbouring runs meet.
_APART = 7919


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What a student is made of.

    Attributes:
        config: its sizes.
        clips: what it learns.
        weight_Z1hw: of the x0 error in every channel and cell.
        stage: how it is trained.
        seed: of everything that is drawn.
        data: SHA-256 of the footage or clips.
        codec: decodes the contact sheets.
        publish: writes the version folders from the averaged network.
        mouths: of the clips; without them only x0 counts.
    """

    config: StudentConfig
    clips: ClipLatents
    weight_Z1hw: Tensor
    stage: ForcingStage
    seed: int
    data: str
    codec: TinyCodec
    publish: Callable[[Path, LipNetwork, Mapping[str, Any]], None]
    mouths: Mouths | None = None


class ForcingRun:
    """See `Stage`.

    Args:
        made_of: everything that decides the result.
        group: the run's processes; each draws its own samples, gradients are averaged.
    """

    def __init__(self, made_of: Ingredients, group: Group) -> None:
        self._made_of, self._plan, self._group = made_of, made_of.stage.plan, group
        torch.manual_seed(made_of.seed)
        network = LipNetwork(made_of.config)
        initialise(network, made_of.seed)
        start_from_reference(network)
        self._network = network.to(torch.bfloat16 if made_of.stage.half else torch.float32).train()
        self._objective = Forcing.of(self._network, made_of.clips, made_of.weight_Z1hw, made_of.stage, made_of.mouths)
        self._stepper = Stepper(self._network, self._plan, group)
        if group.rank:
            torch.manual_seed(made_of.seed + _APART * group.rank)

    @property
    def step(self) -> int:
        """See `Stage`."""
        return self._stepper.step

    @property
    def steps(self) -> int:
        """See `Stage`."""
        return self._plan.steps

    @cached_property
    def facts(self) -> dict[str, Any]:
        """See `Stage`."""
        return {"parameters": self._stepper.parameters, "data": self._made_of.data, "torch": torch.__version__}

    def advance(self) -> StepReport:
        """See `Stage`."""
        return self._stepper.advance(self._loss)

    def _loss(self) -> tuple[Parts, Sequence[str]]:
        rows = torch.randint(len(self._made_of.clips), (self._plan.batch,))
        return self._objective.loss(self._network, rows), [f"clip {row}" for row in rows.tolist()]

    def state(self) -> State:
        """See `Stage`."""
        return self._stepper.state()

    def restore(self, state: State) -> None:
        """See `Stage`."""
        self._stepper.restore(state)

    def averaged(self) -> LipNetwork:
        """The network with its averaged weights, float32, on the CPU."""
        network = LipNetwork(self._made_of.config)
        network.load_state_dict({**self._network.state_dict(), **self._stepper.average()})
        return network.eval()

    def sample(self, path: Path) -> None:
        """See `Stage`."""
        if self._group.rank:
            return
        clips, codec = self._made_of.clips, self._made_of.codec
        with torch.random.fork_rng(), torch.no_grad():
            network = self.averaged()
            conditions = clips.conditions(torch.tensor([0]), network.dtype)
            made = generate(Student.frozen(network, self._text()), conditions, seed=1)
            rows = {"footage": clips.reference_NZThw[:1], "generated": made, "true": clips.target_NZThw[:1]}
            draw_sheet(path, {name: list(to_uint8(codec.decode(z.float())[0]).numpy()) for name, z in rows.items()})

    def export(self, repository: Path, source: Mapping[str, Any]) -> bool:
        """See `Stage`."""
        if self._group.rank:
            return False
        with torch.random.fork_rng():
            self._made_of.publish(repository, self.averaged(), source)
        return True

    def _text(self) -> Tensor:
        """The fixed prompt of ``tiny``."""
        config = self._made_of.config
        return torch.zeros(1, config.text_len, config.text_dim)
