"""What a run of one method is: plain data. The default is the demonstration model's Stage 1; a recipe is a diff of it.

Where paper and released code disagree (batch 64 or 16, warm-up 1000 steps or none), recipes follow the paper; only a warm-up
that is longer than its run is left out.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from typing import Any

from lipforcing.network import LipNetwork
from lipforcing.presets import PRESETS, StudentConfig, TeacherConfig
from services.trainer.methods.adapters import FULL, Trained
from services.trainer.methods.forcing import DiffusionForcing, Stage1
from services.trainer.methods.guidance import Null
from services.trainer.methods.reward import Reward
from services.trainer.methods.self_forcing import SelfForcing, Stage2
from services.trainer.methods.teacher import FlowMatching, FlowStage, Teacher
from services.trainer.methods.training import Method, Supervised
from services.trainer.methods.update import UpdatePlan

NAMES = ("teacher_tiny", "df_tiny", "sf_tiny", "teacher_14b_ls", "df_1_3b", "df_14b", "sf_1_3b", "sf_14b")


@dataclass(frozen=True, slots=True)
class MethodRecipe:
    """One run.

    Attributes:
        name: of the recipe.
        network: sizes of the network that the run is about.
        stage: the method and its hyper-parameters.
        update: its optimiser (Stage 2 names its two in ``stage``).
        steps: of the optimiser.
        batch: samples of one step, over all GPUs and micro-batches.
        micro: samples of one GPU at a time.
        latents: of each clip.
        trained: parameters of the network (in Stage 2 of the critic too).
        critic: sizes of the critic (Stage 2).
        teacher: sizes and sampling of the teacher (Stage 2).
        start: recipe whose weights the run starts from; None starts afresh.
        seed: of everything that is drawn.
    """

    name: str
    network: StudentConfig = PRESETS["tiny"]
    stage: FlowStage | Stage1 | Stage2 = field(default=Stage1())
    update: UpdatePlan = field(default=UpdatePlan(1e-3))
    steps: int = 1_000
    batch: int = 8
    micro: int = 8
    latents: int = 9
    trained: Trained = FULL
    critic: StudentConfig | None = None
    teacher: TeacherConfig | None = None
    start: str | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse a recipe that cannot run.

        Raises:
            ValueError: says why.
        """
        if self.batch % self.micro:
            raise ValueError(f"{self.name}: a batch of {self.batch} does not split into micro-batches of {self.micro}")
        if isinstance(self.stage, Stage2) != (self.critic is not None and self.teacher is not None):
            raise ValueError(f"{self.name}: distillation, and it alone, has a critic and a teacher")

    def judges(self) -> tuple[StudentConfig, TeacherConfig]:
        """Critic and teacher of a distillation.

        Raises:
            ValueError: this is none.
        """
        if self.critic is None or self.teacher is None:
            raise ValueError(f"{self.name} is no distillation: it has neither critic nor teacher")
        return self.critic, self.teacher

    def to_json(self) -> dict[str, Any]:
        """For manifests and plans."""
        made: dict[str, Any] = json.loads(json.dumps({**asdict(self), "method": type(self.stage).__name__}))
        return made


def load(name: str) -> MethodRecipe:
    """The recipe of that name.

    Raises:
        ValueError: there is none.
    """
    if name not in NAMES:
        raise ValueError(f"no recipe {name!r}; there are {', '.join(NAMES)}")
    recipe: MethodRecipe = import_module(f"services.trainer.recipes.{name}").RECIPE
    return recipe


def build(
    recipe: MethodRecipe, network: LipNetwork, null: Null, *,
    critic: LipNetwork | None = None, teacher: Teacher | None = None, reward: Reward | None = None, shared: int = 1 << 30,
) -> Method:  # fmt: skip
    """The method of a recipe, ready to take steps.

    Args:
        recipe: what to do.
        network: what it is about; which parameters are trained is chosen already, and it is sharded if it shall be.
        null: what replaces dropped conditions.
        critic: of Stage 2.
        teacher: of Stage 2.
        reward: of Stage 2, where it weights by one.
        shared: places that decide together; a multiple of ranks x micro-batch (``Draws``).

    Raises:
        ValueError: Stage 2 without critic or teacher.
    """
    stage = recipe.stage
    if isinstance(stage, Stage2):
        if critic is None or teacher is None:
            raise ValueError(f"{recipe.name} needs a critic and a teacher")
        return SelfForcing(network, critic, teacher, replace(stage, shared=shared), seed=recipe.seed, reward=reward)
    objective = FlowMatching(stage, null) if isinstance(stage, FlowStage) else DiffusionForcing(stage, null)
    return Supervised(network, objective, recipe.update, recipe.seed, shared)
