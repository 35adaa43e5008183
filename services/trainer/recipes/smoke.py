"""A few steps of every stage: that they run and connect, nothing about quality."""

from dataclasses import replace

from lipforcing.presets import PRESETS
from services.trainer.codec import CodecStage
from services.trainer.decoder import DecoderStage
from services.trainer.diffusion_forcing import ForcingStage
from services.trainer.mouth_reader import ReaderStage
from services.trainer.optimise import Optimisation
from services.trainer.recipe import Evaluation, Recipe
from services.trainer.speech import SpeechStage

RECIPE = Recipe(
    name="smoke",
    network=replace(PRESETS["tiny"], dim=144, ffn=128, heads=3, layers=4),
    takes=2,
    frames=21,
    utterances=2,
    utterance_seconds=2,
    codec=CodecStage(
        Optimisation(4, 4, 2e-3, warm_up=2), Optimisation(4, 4, 2e-3, warm_up=2), Optimisation(4, 4, 2e-3, warm_up=2)
    ),
    speech=SpeechStage(Optimisation(12, 64, 2e-3, warm_up=2)),
    reader=ReaderStage(Optimisation(4, 4, 1e-3, warm_up=2)),
    forcing=ForcingStage(Optimisation(4, 2, 1e-3, warm_up=2)),
    decoder=DecoderStage(Optimisation(4, 2, 1e-3, warm_up=2)),
    evaluation=Evaluation(dev=1, test=1, frames=21),
)
