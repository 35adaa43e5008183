"""The study's stages: teacher, Stage 1, small SyncNet, Stage 2 in its forms. Methods and steps are the product's own.

Legend: L text tokens, E text width.
"""

import json
import time
from dataclasses import asdict, dataclass
from typing import Any, cast

import structlog
import torch

from lipforcing.network import LipNetwork
from lipforcing.syncnet import TINY, ClipScorer, SyncNet
from lipforcing.vae.tiny import TinyCodec
from services.trainer.common.update import precision
from services.trainer.methods.dataset import Batches
from services.trainer.methods.encoders import Encoders
from services.trainer.methods.guidance import NullConditions
from services.trainer.methods.initialise import fresh_network
from services.trainer.methods.recipe import MethodRecipe, build
from services.trainer.methods.reward import Reward, SyncReward
from services.trainer.methods.sync_training import train_syncnet
from services.trainer.methods.teacher import Teacher
from services.trainer.methods.training import Method
from services.trainer.models.mouth_pictures import WHOLE, MouthPictures
from studies.ablation.footage import StudyFootage
from studies.ablation.mouth_reader import MouthReader, train_reader
from studies.ablation.result_cache import ResultCache, TrainedNetwork, Training
from studies.ablation.sizes import StudySizes, distilling_recipe, forcing_recipe, sync_stage, teacher_recipe

log = structlog.get_logger(__name__)
_CPU = torch.device("cpu")
_REPORT = 25  # steps between two lines of the log


@dataclass(frozen=True, slots=True)
class Stages:
    """Everything that is trained, each thing once.

    Attributes:
        sizes: of the study.
        encoders: of crops and sound.
        footage: what is learned.
        cache: of results.
    """

    sizes: StudySizes
    encoders: Encoders
    footage: StudyFootage
    cache: ResultCache

    @property
    def codec(self) -> TinyCodec:
        """Of the latents."""
        return cast("TinyCodec", self.encoders.codec)

    @property
    def null(self) -> NullConditions:
        """Of guidance; ``tiny`` has no prompt, so its embedding is zero and so is that of the empty one."""
        config = self.sizes.network
        return NullConditions(torch.zeros(config.text_len, config.text_dim))

    def teacher(self, seed: int) -> TrainedNetwork:
        """The bidirectional teacher; it starts at the footage unchanged (``fresh_network``)."""
        recipe = teacher_recipe(self.sizes, seed, self.codec)

        def train() -> Training:
            network = fresh_network(self.sizes.network, seed)
            return self._run(recipe, network, build(recipe, network, self.null))

        return self.cache.network("teacher", self._key(recipe), train)

    def forcing(self, seed: int, teacher: TrainedNetwork) -> TrainedNetwork:
        """Stage 1 from the teacher's weights."""
        recipe = forcing_recipe(self.sizes, seed, self.codec)

        def train() -> Training:
            network = _copy(teacher)
            return self._run(recipe, network, build(recipe, network, self.null))

        return self.cache.network("forcing", self._key(recipe, teacher.key), train)

    def syncnet(self, seed: int, steps: int) -> tuple[ClipScorer, str]:
        """A small SyncNet, and a name for what made it."""
        takes = self.sizes.talk
        stage = sync_stage(steps, takes)
        key = json.loads(json.dumps([asdict(stage), self.footage.dataset.digest, takes, seed]))

        def train() -> dict[str, torch.Tensor]:
            network, curve = train_syncnet(self.footage.talk(takes), stage, seed)
            log.info("syncnet", **curve.to_json())
            return dict(network.state_dict())

        network = SyncNet(TINY)
        network.load_state_dict(self.cache.tensors("syncnet", key, train))
        return ClipScorer.of_clips(network, self.sizes.frames), self.cache.path("syncnet", key).name

    def reader(self, seed: int) -> tuple[MouthReader, str]:
        """Reads mouths in pictures, and a name for what made it; nothing is trained by what it says."""
        stage, takes = self.sizes.reader, self.sizes.talk
        key = json.loads(json.dumps([asdict(stage), self.footage.dataset.digest, takes, seed]))

        def train() -> dict[str, torch.Tensor]:
            crops, shapes = self.footage.filmed(takes)
            pictures = MouthPictures(self.codec, crops, WHOLE)
            network, curve = train_reader(
                pictures, self.footage.dataset.latents.target_NZThw[: len(shapes)], shapes, stage, seed
            )
            log.info("reader", **curve.to_json())
            return dict(network.state_dict())

        weights = self.cache.tensors("reader", key, train)
        network = MouthReader(len(weights["mean"]))
        network.load_state_dict(weights)
        return network.eval().requires_grad_(requires_grad=False), self.cache.path("reader", key).name

    def distilled(
        self, seed: int, form: str, teacher: TrainedNetwork, start: TrainedNetwork, judge: tuple[ClipScorer, str]
    ) -> TrainedNetwork:
        """Stage 2 in one of ``FORMS`` from Stage 1's weights; the critic starts as the teacher."""
        recipe = distilling_recipe(self.sizes, seed, self.codec, form)

        def train() -> Training:
            network, critic = _copy(start), _copy(teacher)
            reward: Reward | None = SyncReward(self.codec, judge[0]) if recipe.rewarded else None
            taught_by = Teacher(self.sizes.teaching, teacher.network, self.null)
            method = build(recipe, network, self.null, critic=critic, teacher=taught_by, reward=reward)
            return self._run(recipe, network, method)

        parts = (teacher.key, start.key, *([judge[1]] if recipe.rewarded else []))
        return self.cache.network(form, self._key(recipe, *parts), train)

    def _key(self, recipe: MethodRecipe, *parts: str) -> list[Any]:
        return [recipe.to_json(), self.footage.dataset.digest, *parts]

    def _run(self, recipe: MethodRecipe, network: LipNetwork, method: Method) -> Training:
        """All steps of a recipe; leaves the averaged weights in ``network``."""
        text_LE, sound = self.null.text_LE, recipe.rewarded
        batches = Batches(self.footage.dataset, recipe.batch, recipe.micro, 0, 1, recipe.seed, text_LE, sound, _CPU)
        began, cpu, curve = time.monotonic(), time.process_time(), []
        for number in range(1, recipe.steps + 1):
            with precision(_CPU, half=recipe.half):
                figures = method.step(number, batches(number))
            if number % _REPORT == 0 or number == recipe.steps:
                spent = time.process_time() - cpu
                log.info("step", recipe=recipe.name, seed=recipe.seed, number=number, of=recipe.steps, cpu=round(spent),
                         **{name: round(value, 4) for name, value in figures.items()})  # fmt: skip
                curve.append({"step": number, **figures})
        next(iter(method.updates.values())).swap_ema()
        notes = {"seconds": time.monotonic() - began, "cpu_seconds": time.process_time() - cpu, "curve": curve}
        return network.eval(), notes


def _copy(trained: TrainedNetwork) -> LipNetwork:
    """A trainable copy."""
    network = LipNetwork(trained.network.config)
    network.load_state_dict(trained.network.state_dict())
    return network.train()
