"""What a training run is: plain data. The default makes the demonstration model from nothing; a recipe is a diff of it."""

from dataclasses import asdict, dataclass, field
from typing import Any

from lipforcing.presets import PRESETS, StudentConfig

from .codec import CodecStage
from .decoder import DecoderStage
from .diffusion_forcing import ForcingStage
from .mouth_reader import ReaderStage
from .optimise import Optimisation
from .speech import SpeechStage


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Held-out clips to judge by.

    Attributes:
        dev, test: how many of each split. One voice's clips differ so much that 48 leave the mean opening's correlation a
            standard error of 0.011, more than what there is to tell.
        frames: of each, 9 + 12k.
        seed: of the clips.
        opening, width: correlations with the true mouth that are wanted on the test split.
    """

    dev: int = 48
    test: int = 192
    frames: int = 57
    seed: int = 1
    opening: float = 0.90
    width: float = 0.80


@dataclass(frozen=True, slots=True)
class Recipe:
    """One run.

    Attributes:
        name: of the recipe.
        network: sizes of the student.
        seed: of everything that is drawn.
        takes: generated takes (two samples each).
        frames: of each take, 9 + 12k.
        utterances: of the speech encoder's training, sound only.
        utterance_seconds: length of each.
        codec: stage 1.
        speech: stage 2.
        reader: of mouth shapes in latents, which judges the student.
        forcing: stage 3.
        decoder: stage 4.
        evaluation: what is measured afterwards, on the development and on the test split.
    """

    name: str = "tiny"
    network: StudentConfig = PRESETS["tiny"]
    seed: int = 1
    takes: int = 1_440
    frames: int = 33
    utterances: int = 75_000
    utterance_seconds: int = 6
    codec: CodecStage = field(
        default=CodecStage(
            Optimisation(2_800, 12, 2e-3),
            Optimisation(14_000, 9, 8e-4, warm_up=300, average=0.998, clip=0.3),
            Optimisation(3_000, 9, 8e-4, average=0.998),
            mouth=8.0,
        )
    )
    speech: SpeechStage = field(
        default=SpeechStage(
            Optimisation(94_600, 64, 2e-3, warm_up=300, average=0.999, weight_decay=0.02), warp=0.1, tilt=0.12, calm=0.5
        )
    )
    reader: ReaderStage = field(default=ReaderStage(Optimisation(900, 24, 2e-3, average=0.99, weight_decay=0.05)))
    forcing: ForcingStage = field(default=ForcingStage(Optimisation(5_000, 4, 1.4e-3, warm_up=50, muon=True)))
    decoder: DecoderStage = field(default=DecoderStage(Optimisation(2_300, 4, 4e-4, warm_up=50, average=0.998, clip=0.3)))
    evaluation: Evaluation = Evaluation()

    def to_json(self) -> dict[str, Any]:
        """For ``model.json``."""
        return asdict(self)
