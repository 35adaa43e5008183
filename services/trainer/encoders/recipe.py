"""How the demonstration's encoders are made: plain data."""

from dataclasses import asdict, dataclass, field
from typing import Any

from services.trainer.common.optimise import Optimisation
from services.trainer.encoders.codec import CodecStage
from services.trainer.encoders.decoder import DecoderStage
from services.trainer.encoders.speech import SpeechStage


@dataclass(frozen=True, slots=True)
class EncoderRecipe:
    """The committed encoders' by default.

    Attributes:
        seed: of everything that is drawn.
        takes: generated takes, of which the codec is made, and the decoder.
        frames: of each take, 9 + 12k.
        utterances: of the speech encoder's training, sound only.
        utterance_seconds: length of each.
        codec: of crops.
        speech: of sound.
        decoder: of the codec, when it gets to know a student.
    """

    seed: int = 1
    takes: int = 1_440
    frames: int = 33
    utterances: int = 75_000
    utterance_seconds: int = 6
    codec: CodecStage = field(
        default=CodecStage(
            Optimisation(2_800, 12, 2e-3),
            Optimisation(14_000, 9, 8e-4, warm_up=300, ema=0.998, clip=0.3),
            Optimisation(3_000, 9, 8e-4, ema=0.998),
            mouth=8.0,
        )
    )
    speech: SpeechStage = field(
        default=SpeechStage(
            Optimisation(94_600, 64, 2e-3, warm_up=300, ema=0.999, weight_decay=0.02), warp=0.1, tilt=0.12, calm=0.5
        )
    )
    decoder: DecoderStage = field(default=DecoderStage(Optimisation(2_300, 4, 4e-4, warm_up=50, ema=0.998, clip=0.3)))

    def to_json(self) -> dict[str, Any]:
        """For ``model.json``."""
        return asdict(self)
