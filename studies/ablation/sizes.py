"""How large the study is, and the recipes of its stages: diffs of the demonstration model's."""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipforcing.presets import PRESETS, StudentConfig, TeacherConfig
from lipforcing.vae.tiny import TinyCodec
from services.trainer.common.optimise import Optimisation
from services.trainer.methods.guidance import Gate, Guidance
from services.trainer.methods.recipe import MethodRecipe
from services.trainer.methods.self_forcing import Stage2
from services.trainer.methods.sync_training import SyncStage
from services.trainer.models.latents import channel_energy
from services.trainer.recipes import load
from studies.ablation.mouth_reader import ReaderStage

_CELL = 8  # pixels of a latent cell's side
# Forms of Stage 2: where the teacher is guided, and whether samples are weighted by the reward.
FORMS: dict[str, tuple[Gate, bool]] = {
    "always": ("always", False), "never": ("never", False), "window": ("window", False), "reward": ("window", True),
}  # fmt: skip
# The middle of a crop holds the whole mouth, and its lower half is what is generated: a quarter of the tokens of ``tiny``.
_NETWORK = replace(PRESETS["tiny"], dim=192, ffn=512, heads=6, layers=6, latent=8)


@dataclass(frozen=True, slots=True)
class StudySizes:
    """Sizes of the study; the interface (latents, conditions, timesteps, window, sink) is ``tiny``'s, on the middle of crops.

    Attributes:
        network: of teacher, student and critic alike.
        takes: generated takes, each for both of its mouths.
        talk: of those, how many the SyncNets and the reader learn from.
        frames: of each clip, 9 + 12k.
        batch: samples of a step.
        teacher: steps.
        forcing: steps of Stage 1.
        critic: steps of Stage 2; every fifth is one of the student too.
        sync: steps of the SyncNet that rewards.
        judge: steps of the one that judges.
        reader: how the reader of mouths is trained, another judge.
        ode: Euler steps of the teacher.
        guidance: its scale.
        clips: held-out clips of each split.
        resamples: of the bootstrap.
    """

    network: StudentConfig = _NETWORK
    takes: int = 1_440
    talk: int = 720
    frames: int = 33
    batch: int = 8
    teacher: int = 5_000
    forcing: int = 500
    critic: int = 200
    sync: int = 3_000
    judge: int = 3_000
    reader: ReaderStage = field(default=ReaderStage(Optimisation(900, 24, 2e-3, ema=0.99, weight_decay=0.05)))
    ode: int = 50
    guidance: float = 2.0
    clips: int = 24
    resamples: int = 4_000

    def middle(self, crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The middle of crops [..., H, W, 3], as large as the network's latents."""
        side = _CELL * self.network.latent
        first = (crops.shape[-2] - side) // 2
        return crops[..., first : first + side, first : first + side, :]

    @property
    def teaching(self) -> TeacherConfig:
        """The teacher and how it samples; its window is the same share of the grid whatever the number of steps."""
        steps = tuple(self.ode * step // 50 for step in (20, 40))
        return TeacherConfig(self.network, self.ode, guidance=self.guidance, guidance_steps=(steps[0], steps[1]))

    def to_json(self) -> dict[str, Any]:
        """For digests and reports."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return values


SMOKE = StudySizes(
    network=replace(PRESETS["tiny"], dim=128, ffn=32, heads=4, layers=4, latent=8),
    takes=1, talk=1, frames=9, batch=2, teacher=1, forcing=1, critic=5, sync=1, judge=1,
    reader=ReaderStage(Optimisation(1, 2, 2e-3)), ode=2, clips=2, resamples=50,
)  # fmt: skip
PROFILES = {"full": StudySizes(), "smoke": SMOKE}


def teacher_recipe(sizes: StudySizes, seed: int, codec: TinyCodec) -> MethodRecipe:
    """Flow matching; the recipe ``teacher_tiny`` with the study's sizes."""
    base = replace(load("teacher_tiny"), teaching=sizes.teaching, steps=sizes.teacher)
    return _sized(base, sizes, seed, codec)


def forcing_recipe(sizes: StudySizes, seed: int, codec: TinyCodec) -> MethodRecipe:
    """Stage 1; the recipe ``df_tiny`` with the study's sizes."""
    return _sized(replace(load("df_tiny"), steps=sizes.forcing), sizes, seed, codec)


def distilling_recipe(sizes: StudySizes, seed: int, codec: TinyCodec, form: str) -> MethodRecipe:
    """Stage 2 in one of ``FORMS``; the recipe ``sf_tiny`` with the study's sizes.

    Raises:
        TypeError: the recipe is no longer one of Stage 2.
    """
    gate, rewarded = FORMS[form]
    base = load("sf_tiny")
    if not isinstance(base.stage, Stage2):
        raise TypeError("sf_tiny is no recipe of Stage 2")
    stage = replace(base.stage, guidance=Guidance.of(sizes.teaching, gate))
    changed = replace(base, stage=stage, critic=sizes.network, teaching=sizes.teaching, steps=sizes.critic, reward=rewarded)
    return _sized(changed, sizes, seed, codec)


def sync_stage(steps: int, takes: int) -> SyncStage:
    """How a small SyncNet is trained."""
    base = load("sf_tiny").sync
    plan = replace(base.plan, steps=steps, warm_up=min(base.plan.warm_up, steps))
    return replace(base, plan=plan, calibration=min(64, 2 * takes))


def _sized(recipe: MethodRecipe, sizes: StudySizes, seed: int, codec: TinyCodec) -> MethodRecipe:
    energy_Z = channel_energy(codec) ** recipe.energy
    channels = tuple((energy_Z / energy_Z.mean()).tolist())
    stage = replace(recipe.stage, places=replace(recipe.stage.places, channels=channels))
    latents = 1 + (sizes.frames - 1) // 4
    return replace(
        recipe, network=sizes.network, stage=stage, batch=sizes.batch, micro=sizes.batch, latents=latents,
        takes=sizes.takes, seed=seed,
    )  # fmt: skip
