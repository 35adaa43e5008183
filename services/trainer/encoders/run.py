"""From nothing to the encoders' version folders, and with a student made on them to the decoder that knows it.

Every stage leaves its result in the work folder under a name that holds the digest of what it was made from; a run that was
stopped continues with the first stage whose result is missing.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import structlog
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from lipforcing.audio.tiny import TinySpeechEncoder
from lipforcing.network import LipNetwork
from lipforcing.presets import StudentConfig
from lipforcing.vae.tiny import TinyCodec
from lipforcing.weights.folder import load_tensors, read_manifest, split_parts
from services.trainer.common.optimise import Curve, Optimisation
from services.trainer.data.encode_takes import both_ways
from services.trainer.data.takes import Takes, in_processes, read_takes, render_takes
from services.trainer.encoders.codec import CodecStage, train_codec
from services.trainer.encoders.decoder import DecoderStage, train_decoder
from services.trainer.encoders.speech import SpeechSample, SpeechStage, UtteranceColumns, train_speech, viseme_correlation
from services.trainer.footage.cache import weights_digest
from services.trainer.models.mouth_pictures import MouthPictures
from services.trainer.models.publish import publish, publish_encoders, revision
from synthetic.splits import Split
from synthetic.utterance import SAMPLE_RATE, draw, draw_strange

log = structlog.get_logger(__name__)
ModuleT = TypeVar("ModuleT", bound=nn.Module)
Curves = dict[str, Curve]
_FPS = Fraction(25)
_SPEECH_SEEDS = 10_000_000  # far from the seeds of the takes
_HELD_OUT = 350  # utterances


@dataclass(frozen=True, slots=True)
class EncoderRecipe:
    """How the demonstration's encoders are made; the committed ones' by default.

    Codec and decoder learn from generated takes of 9 + 12k frames, the speech encoder from utterances, which are sound only.
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


_TWO = Optimisation(2, 2, 2e-3, warm_up=1)
SMOKE = EncoderRecipe(
    takes=2, frames=21, utterances=2, utterance_seconds=2, codec=CodecStage(_TWO, _TWO, _TWO),
    speech=SpeechStage(Optimisation(3, 16, 2e-3, warm_up=2)), decoder=DecoderStage(Optimisation(2, 1, 1e-3, warm_up=2)),
)  # fmt: skip
"""The same stages in a few steps on next to no data: it shows that they fit together, and makes nothing good."""


class EncoderRun:
    """One run of a recipe; ``work`` holds its intermediate results."""

    def __init__(self, recipe: EncoderRecipe, work: Path) -> None:
        self._recipe, self._work = recipe, work
        self._curves: dict[str, Any] = {}

    def encoders(self, repository: Path) -> None:
        """Train codec and speech encoder, and write their version folders: what a student's runs learn on."""
        publish_encoders(repository, self._codec(), self._speech(), self._provenance())

    def decoder(self, student: Path, repository: Path) -> None:
        """Train the decoder for the student in a version folder, and write the version folders of all three.

        Raises:
            WeightsError: the student is absent or damaged.
        """
        recipe, takes, codec, encoder = self._recipe, self._takes, self._codec(), self._speech()
        origin, weights = read_manifest(student), split_parts(load_tensors(student))["network"]
        network = LipNetwork(StudentConfig.from_json(origin["config"])).to(torch.bfloat16)
        network.load_state_dict(weights)

        def train() -> tuple[TinyCodec, Curves]:
            clips = both_ways(takes, codec, encoder)
            pictures = MouthPictures(codec, takes.crops)
            utterance, curve = train_decoder(pictures, network, clips, recipe.decoder, recipe.codec, seed=recipe.seed)
            return utterance, {"own": curve}

        key = [asdict(recipe.decoder), asdict(recipe.codec), weights_digest(codec), weights_digest(encoder), origin["digest"]]
        own = self._stage("own", [*key, takes.digest()], TinyCodec, train)
        # It learned with the decoder of before: its encoders are these, but no longer by their digest.
        source = {name: value for name, value in origin.get("source", {}).items() if name != "encoders"}
        publish(repository, own, encoder, network, {**self._provenance(), "student": source})

    @cached_property
    def _takes(self) -> Takes:
        recipe = self._recipe
        render_takes(self._work / "takes", Split.TRAIN, recipe.takes, frames=recipe.frames, seed=recipe.seed)
        return read_takes(self._work / "takes", Split.TRAIN, recipe.takes, frames=recipe.frames, seed=recipe.seed)

    def _codec(self) -> TinyCodec:
        takes, recipe = self._takes, self._recipe
        clips = takes.crops.reshape(-1, *takes.crops.shape[2:])
        key = [asdict(recipe.codec), takes.digest(), recipe.seed]
        return self._stage("codec", key, TinyCodec, lambda: train_codec(clips, recipe.codec, recipe.seed))

    def _speech(self) -> TinySpeechEncoder:
        recipe = self._recipe

        def train() -> tuple[TinySpeechEncoder, Curves]:
            encoder, curve = train_speech(self._utterances(Split.TRAIN, recipe.utterances), recipe.speech, recipe.seed)
            held = self._utterances(Split.DEV, min(recipe.utterances, _HELD_OUT))
            log.info("speech encoder", held_out_r=viseme_correlation(encoder, held))
            return encoder, {"speech": curve}

        key = [asdict(recipe.speech), recipe.utterances, recipe.utterance_seconds, recipe.seed]
        return self._stage("speech", key, TinySpeechEncoder, train)

    def _utterances(self, split: Split, count: int) -> UtteranceColumns:
        say = partial(_said, split, self._recipe.utterance_seconds)
        return UtteranceColumns.joined(
            [UtteranceColumns.of(shard) for shard in in_processes(say, range(_SPEECH_SEEDS, _SPEECH_SEEDS + count))]
        )

    def _stage(
        self, name: str, key: list[Any], empty: Callable[[], ModuleT], train: Callable[[], tuple[ModuleT, Curves]]
    ) -> ModuleT:
        """The stage's module, from the work folder if this very stage has run before."""
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
        path = self._work / f"{name}-{digest}.safetensors"
        notes = path.with_suffix(".json")
        if path.exists() and notes.exists():
            module = empty()
            module.load_state_dict(load_file(path))
        else:
            module, curves = train()
            save_file({n: t.contiguous() for n, t in module.state_dict().items()}, path)
            notes.write_text(json.dumps({part: curve.to_json() for part, curve in curves.items()}))
        self._curves |= json.loads(notes.read_text())
        return module.eval()

    def _provenance(self) -> dict[str, Any]:
        takes = self._takes
        return {
            "command": "make train-whole",
            "recipe": json.loads(json.dumps(asdict(self._recipe))),
            "stages": self._curves,
            "data": {"takes": len(takes), "sha256": takes.digest()},
            "revision": revision(Path(__file__).parents[3]),
            "torch": torch.__version__,
        }


def _said(split: Split, seconds: int, seed: int) -> SpeechSample:
    """Every other training utterance is by a voice that nobody has, in words that nobody knows."""
    samples = seconds * SAMPLE_RATE
    utterance = draw_strange(seed, samples) if split is Split.TRAIN and seed % 2 else draw(split, seed, samples)
    return SpeechSample(utterance.samples.astype(np.float32), utterance.track.frames(seconds * int(_FPS), _FPS))
