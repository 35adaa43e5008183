"""What a run of one method is: plain data. The default is the demonstration model's Stage 1; a recipe is a diff of it.

Where paper and released code disagree (batch 64 or 16, warm-up 1000 steps or none), recipes follow the paper; only a warm-up
that is longer than its run is left out.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from dubbing.domain.networks import NETWORKS
from lipforcing.contract import LATENTS_PER_BLOCK
from lipforcing.network import LipNetwork
from lipforcing.presets import PRESETS, StudentConfig, TeacherConfig
from services.trainer.common.optimise import Optimisation
from services.trainer.common.settings import UNSETTABLE
from services.trainer.common.update import UpdatePlan
from services.trainer.methods.adapters import FULL, Trained
from services.trainer.methods.forcing import DiffusionForcing, Stage1
from services.trainer.methods.guidance import NullConditions
from services.trainer.methods.pictures import Pictures
from services.trainer.methods.reward import Reward
from services.trainer.methods.self_forcing import SelfForcing, Stage2
from services.trainer.methods.sync_training import SyncStage
from services.trainer.methods.teacher import FlowMatching, FlowStage, Teacher
from services.trainer.methods.training import Method, Supervised

OUTSIDE = ("data", *NETWORKS, "syncnet")  # settings that name something outside the run (``methods.places``)


@dataclass(frozen=True, slots=True)
class MethodRecipe:
    """One run.

    Attributes:
        name: of the recipe.
        summary: one sentence.
        network: sizes of the network that the run is about.
        stage: the method and its hyper-parameters.
        update: its optimiser (Stage 2 names its two in ``stage``).
        steps: of the optimiser.
        batch: samples of one step, over all GPUs and micro-batches.
        micro: samples of one GPU at a time.
        rng_group: neighbouring samples of a step that share the draws that decide control flow (exit step, window, side of the
            sync window); a multiple of processes x ``micro``, and fixed, so that the processes' number changes no step.
        latents: of each clip.
        trained: parameters of the network (in Stage 2 of the critic too).
        critic: sizes of the critic (Stage 2); it begins as the teacher, or as the student where the teacher has other sizes.
        teaching: sizes and sampling of the teacher that is trained or that teaches.
        follows: recipe of the run that this one starts from; None starts afresh unless ``start`` is given.
        taught_by: recipe of the teacher's run (Stage 2).
        start: id of the run that this one starts from, or the place of a network's folder.
        teacher: the same for the teacher (Stage 2).
        preset: whose encoders make latents and features.
        half: compute matrix products in bfloat16; weights and their states stay float32.
        data: place of prepared footage; empty for generated speakers.
        takes: generated takes, each for both of its mouths.
        noise: these takes are noise: quickly made, and nothing can be learned of them.
        encoders: version of the face and speech encoders that make latents and features.
        energy: how far a latent channel's weight follows what it does to the picture (0 not at all, 1 wholly).
        reward: weight samples by their reward, where the stage knows how (Stage 2).
        syncnet: place of a SyncNet's file that rewards; empty trains the small one on the data.
        sync: how that is trained.
        accelerator: a run needs a GPU for each of its processes.
        seed: of everything that is drawn.
    """

    name: str = field(metadata=UNSETTABLE)
    summary: str = field(default="", metadata=UNSETTABLE)
    network: StudentConfig = PRESETS["tiny"]
    stage: FlowStage | Stage1 | Stage2 = field(default=Stage1())
    update: UpdatePlan = field(default=UpdatePlan(1e-3))
    steps: int = 1_000
    batch: int = 8
    micro: int = 8
    rng_group: int = 64
    latents: int = 9
    trained: Trained = FULL
    critic: StudentConfig | None = None
    teaching: TeacherConfig | None = None
    follows: str | None = None
    taught_by: str | None = None
    start: str = ""
    teacher: str = ""
    preset: str = "tiny"
    half: bool = True
    data: str = ""
    takes: int = 480
    noise: bool = False
    encoders: int = 1
    energy: float = 0.0
    reward: bool = True
    syncnet: str = ""
    sync: SyncStage = field(default=SyncStage(Optimisation(3_000, 14, 1e-3, warm_up=50)))
    accelerator: bool = False
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse a recipe that cannot run.

        Raises:
            ValueError: says why.
        """
        if self.batch % self.micro:
            raise ValueError(f"{self.name}: a batch of {self.batch} does not split into micro-batches of {self.micro}")
        distils = isinstance(self.stage, Stage2)
        if distils != (self.critic is not None) or isinstance(self.stage, Stage1) != (self.teaching is None):
            raise ValueError(f"{self.name}: distillation has a critic and a teacher, Stage 1 neither, a teacher is one")
        if self.latents % LATENTS_PER_BLOCK:
            raise ValueError(f"{self.name}: {self.latents} latents are no whole number of blocks of {LATENTS_PER_BLOCK}")

    @property
    def init_from(self) -> dict[str, str]:
        """Settings that name a finished run, and the recipe that it must be of."""
        named = {"start": self.follows, "teacher": self.taught_by}
        return {setting: recipe for setting, recipe in named.items() if recipe is not None}

    @property
    def serves(self) -> str | None:
        """The preset of the students that it makes; None for a teacher, which is nothing to serve."""
        return self.preset if isinstance(self.stage, Stage1 | Stage2) else None

    @property
    def rewarded(self) -> bool:
        """Whether samples are weighted by a reward."""
        return self.reward and isinstance(self.stage, Stage2) and self.stage.weighting is not None

    def judges(self) -> tuple[StudentConfig, TeacherConfig]:
        """Critic and teacher of a distillation.

        Raises:
            ValueError: this is none.
        """
        if self.critic is None or self.teaching is None:
            raise ValueError(f"{self.name} is no distillation: it has no critic, or no teacher")
        return self.critic, self.teaching

    def to_json(self) -> dict[str, Any]:
        """For manifests and plans."""
        document: dict[str, Any] = json.loads(json.dumps({**asdict(self), "method": type(self.stage).__name__}))
        return document


def build(
    recipe: MethodRecipe, network: LipNetwork, null: NullConditions, *,
    critic: LipNetwork | None = None, teacher: Teacher | None = None, reward: Reward | None = None,
    pictures: Pictures | None = None,
) -> Method:  # fmt: skip
    """The method of a recipe, ready to take steps; what is trained is chosen already, and sharded if it shall be.

    Raises:
        ValueError: Stage 2 without critic or teacher.
    """
    stage = recipe.stage
    if isinstance(stage, Stage2):
        if critic is None or teacher is None:
            raise ValueError(f"{recipe.name} needs a critic and a teacher")
        weighting = stage.weighting if recipe.reward else None
        stage = replace(stage, weighting=weighting)  # without a reward nothing is weighted
        return SelfForcing(network, critic, teacher, stage, seed=recipe.seed, reward=reward, rng_group=recipe.rng_group)
    objective = FlowMatching(stage, null) if isinstance(stage, FlowStage) else DiffusionForcing(stage, null, pictures)
    return Supervised(network, objective, recipe.update, seed=recipe.seed, rng_group=recipe.rng_group, steps=recipe.steps)
