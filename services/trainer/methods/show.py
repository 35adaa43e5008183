"""What a method's run shows and leaves: contact sheets, the network for the next run, and what can be served.

All processes call these together, because the network may be sharded; the first one alone decodes and writes.

Legend: B clips, Z latent channels, T latent frames, h/w latent side, L text tokens, E text width.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

from lipforcing.network import LipNetwork
from lipforcing.presets import TeacherConfig
from lipforcing.rollout import Student, generate
from lipforcing.vae.base import to_uint8
from services.trainer.common.sheet import draw_sheet
from services.trainer.common.update import Updater, precision
from services.trainer.methods.adapters import Trained, merged
from services.trainer.methods.encoders import Encoders
from services.trainer.methods.folders import save_network
from services.trainer.methods.guidance import NullConditions
from services.trainer.methods.init_from import NETWORK
from services.trainer.methods.samples import Clips
from services.trainer.methods.sharding import on_meta
from services.trainer.methods.teacher import Teacher

Versions = Callable[[Path, LipNetwork, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Show:
    """One run's network, as others see it: with its averaged weights, which its optimiser holds.

    A teacher samples as ``teaching`` says; a student has none, but ``versions``, which writes what can be served. The clip is a
    fixed one on the network's device; the ``first`` process writes.
    """

    network: LipNetwork
    update: Updater
    teaching: TeacherConfig | None
    text_LE: Tensor
    empty_LE: Tensor
    encoders: Encoders
    clip: Clips
    first: bool
    half: bool
    trained: Trained
    versions: Versions | None

    def draw(self, path: Path) -> None:
        """A contact sheet: footage, what is generated for it now, and the truth."""
        with self._averaged(), precision(self.clip.x0_BZThw.device, half=self.half):
            generated = self._generated()
        if self.first:
            rows = {"footage": self.clip.conditions.reference_BZThw, "generated": generated, "true": self.clip.x0_BZThw}
            # [1, Z, T, h, w] -> [V, H, W, C]: the codec's own precision, the first clip alone.
            codec = self.encoders.codec
            like = next(codec.parameters())
            shown = {name: to_uint8(codec.decode(x.to(like))[0].float()) for name, x in rows.items()}
            draw_sheet(path, {name: list(frames.cpu().numpy()) for name, frames in shown.items()})

    def export(self, repository: Path, source: Mapping[str, Any]) -> bool:
        """The network for the runs that start from it, and the version folders of a student that can be served."""
        with self._averaged():
            network = self._whole()
        if network is None:
            return False
        save_network(repository / NETWORK, network, self.text_LE.cpu(), self.empty_LE.cpu(), source)
        if self.versions is not None:
            self.versions(repository, network, source)
        return True

    def _generated(self) -> Tensor:
        if self.teaching is None:
            # A student as it serves: block by block, in its few steps.
            return generate(Student.trained(self.network, self.clip.text_BLE), self.clip.conditions, seed=1)
        teacher = Teacher(self.teaching, self.network, NullConditions(self.empty_LE.to(self.clip.text_BLE)))
        # A generator of its own: sheets of all steps begin with the same noise.
        noise = torch.randn(self.clip.x0_BZThw.shape, generator=torch.Generator().manual_seed(1))
        return teacher.sample(self.clip, noise.to(self.clip.x0_BZThw))

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The averaged weights in place of the live ones, and nothing drawn from any generator that training uses."""
        with torch.random.fork_rng(), torch.no_grad():
            self.update.swap_ema()
            try:
                yield
            finally:
                self.update.swap_ema()

    def _whole(self) -> LipNetwork | None:
        """The network in one piece on the CPU, float32, adapters merged; None where another process writes it."""
        tensors = {}
        for name, tensor in self.network.state_dict().items():
            # Gathered by all processes together, kept by the first, one tensor at a time.
            full = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
            if self.first:
                tensors[name] = full.detach().float().cpu().clone()
        if not self.first:
            return None
        network = on_meta(self.network.config)
        network.load_state_dict(merged(tensors, self.trained), assign=True)
        return network.eval()
