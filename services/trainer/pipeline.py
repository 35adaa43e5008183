"""From nothing to published weights: takes, codec, speech encoder, mouth reader, student, decoder, version folders, figures.

Every stage leaves its result in the work folder under a name that holds the digest of what it was made from; a run that was
stopped continues with the first stage whose result is missing.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import structlog
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from lipforcing.audio.tiny import TinySpeechEncoder
from lipforcing.network import LipNetwork
from lipforcing.vae.tiny import TinyCodec
from synthetic.splits import Split
from synthetic.utterance import SAMPLE_RATE, draw, draw_strange

from . import evaluate
from .codec import train_codec
from .data import Takes, in_processes, read_takes, render_takes
from .decoder import train_decoder
from .diffusion_forcing import Forcing, loss_weight, train_forcing
from .latents import ClipLatents, channel_energy, encode_pair
from .metrics.mouth_figures import Measured
from .mouth_pictures import MouthPictures
from .mouth_reader import MouthReader, train_reader
from .mouths import Mouths
from .optimise import Curve
from .publish import add_metrics, publish, revision
from .recipe import Evaluation, Recipe
from .sheet import draw_sheet
from .speech import Heard, SpeechSample, train_speech, viseme_correlation

log = structlog.get_logger(__name__)
ModuleT = TypeVar("ModuleT", bound=nn.Module)
Curves = dict[str, Curve]
_FPS = Fraction(25)
_SPEECH_SEEDS = 10_000_000  # far from the seeds of the takes
_HELD_OUT = 350  # utterances


class Lesson(NamedTuple):
    """What the student learns from: clips, what their channels do to the picture, mouths, and what all was made of."""

    clips: ClipLatents
    energy_Z: Tensor
    mouths: Mouths
    made_of: tuple[str, ...]


class Run:
    """One run of a recipe.

    Args:
        recipe: what to do.
        work: folder of intermediate results.
        repository: Triton's model repository, where the weights go.
        landmarker: MediaPipe's model, for the evaluation.
    """

    def __init__(self, recipe: Recipe, work: Path, repository: Path, landmarker: Path) -> None:
        self._recipe, self._work, self._repository, self._landmarker = recipe, work, repository, landmarker
        self._curves: dict[str, Any] = {}

    def run(self) -> dict[str, Any]:
        """Train, publish and evaluate; returns the figures that were added to the manifest."""
        began = time.monotonic()
        self.make()
        return self.judge(round(time.monotonic() - began))

    def make(self) -> None:
        """Train and publish."""
        takes = self._takes()
        codec = self._codec(takes)
        encoder = self._speech()
        lesson = self._lesson(takes, codec, encoder)
        network = self._student(lesson)
        codec = self._decoder(lesson, network)
        publish(self._repository, codec, encoder, network, self._provenance(takes))

    def judge(self, seconds: int | None = None) -> dict[str, Any]:
        """Evaluate what the repository holds; the figures, and the ``seconds`` of training if told, go into its manifest."""
        plan = self._recipe.evaluation
        metrics: dict[str, Any] = {} if seconds is None else {"training_seconds": seconds}
        for split, clips in ((Split.DEV, plan.dev), (Split.TEST, plan.test)):
            metrics[split.value] = evaluate.evaluate(
                self._repository, self._landmarker, split=split, clips=clips, frames=plan.frames, seed=plan.seed,
                look=partial(self._look, split),
            )  # fmt: skip
            log.info("evaluated", **metrics[split.value])
        metrics["goal"] = goal(metrics[Split.TEST.value], plan)
        add_metrics(self._repository, metrics)
        return metrics

    def _look(self, split: Split, index: int, measured: Measured) -> None:
        draw_sheet(self._work / f"{split.value}-{index:02d}.png", measured.pictures)

    def _takes(self) -> Takes:
        recipe = self._recipe
        render_takes(self._work / "takes", Split.TRAIN, recipe.takes, frames=recipe.frames, seed=recipe.seed)
        return read_takes(self._work / "takes", Split.TRAIN, recipe.takes, frames=recipe.frames, seed=recipe.seed)

    def _codec(self, takes: Takes) -> TinyCodec:
        clips = takes.crops.reshape(-1, *takes.crops.shape[2:])
        key = [asdict(self._recipe.codec), takes.digest(), self._recipe.seed]
        return self._stage("codec", key, TinyCodec, lambda: train_codec(clips, self._recipe.codec, self._recipe.seed))

    def _speech(self) -> TinySpeechEncoder:
        recipe = self._recipe

        def train() -> tuple[TinySpeechEncoder, Curves]:
            encoder, curve = train_speech(self._heard(Split.TRAIN, recipe.utterances), recipe.speech, recipe.seed)
            held = self._heard(Split.DEV, min(recipe.utterances, _HELD_OUT))
            log.info("speech encoder", held_out_r=viseme_correlation(encoder, held))
            return encoder, {"speech": curve}

        key = [asdict(recipe.speech), recipe.utterances, recipe.utterance_seconds, recipe.seed]
        return self._stage("speech", key, TinySpeechEncoder, train)

    def _heard(self, split: Split, count: int) -> Heard:
        say = partial(_said, split, self._recipe.utterance_seconds)
        return Heard.joined([Heard.of(shard) for shard in in_processes(say, range(_SPEECH_SEEDS, _SPEECH_SEEDS + count))])

    def _lesson(self, takes: Takes, codec: TinyCodec, encoder: TinySpeechEncoder) -> Lesson:
        clips = both_ways(takes, codec, encoder)
        mouths = self._mouths(takes, codec, clips)
        made_of = (_fingerprint(codec), _fingerprint(encoder), _fingerprint(mouths.reader), takes.digest())
        return Lesson(clips, channel_energy(codec), mouths, made_of)

    def _student(self, lesson: Lesson) -> LipNetwork:
        recipe = self._recipe

        def train() -> tuple[LipNetwork, Curves]:
            network, curve = train_forcing(
                recipe.network, lesson.clips, lesson.energy_Z, recipe.forcing, recipe.seed, mouths=lesson.mouths
            )
            return network, {"forcing": curve}

        key = [asdict(recipe.forcing), recipe.network.to_json(), *lesson.made_of]
        return self._stage("student", key, lambda: LipNetwork(recipe.network), train)

    def _decoder(self, lesson: Lesson, network: LipNetwork) -> TinyCodec:
        """The codec with a decoder that knows the student."""
        recipe, pictures = self._recipe, lesson.mouths.pictures

        def train() -> tuple[TinyCodec, Curves]:
            student = network.to(torch.bfloat16 if recipe.forcing.half else torch.float32)
            weight_Z1hw = loss_weight(lesson.clips, lesson.energy_Z, recipe.forcing)
            objective = Forcing.of(student, lesson.clips, weight_Z1hw, recipe.forcing)
            codec, curve = train_decoder(pictures, student, objective, recipe.decoder, recipe.codec, seed=recipe.seed)
            return codec, {"own": curve}

        key = [asdict(recipe.decoder), asdict(recipe.codec), _fingerprint(network), *lesson.made_of]
        return self._stage("own", key, TinyCodec, train)

    def _mouths(self, takes: Takes, codec: TinyCodec, clips: ClipLatents) -> Mouths:
        """The target mouths of ``both_ways`` and their reader."""
        recipe, shapes, pictures = self._recipe, target_shapes(takes), MouthPictures(codec, takes.crops)

        def train() -> tuple[MouthReader, Curves]:
            reader, curve = train_reader(pictures, clips.target_NZThw, shapes, recipe.reader, recipe.seed)
            return reader, {"reader": curve}

        key = [asdict(recipe.reader), _fingerprint(codec), takes.digest(), recipe.seed]
        reader = self._stage("reader", key, lambda: MouthReader(shapes.shape[-1]), train).requires_grad_(requires_grad=False)
        return Mouths(pictures, reader, reader.standardise(shapes), recipe.forcing.mouths)

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

    def _provenance(self, takes: Takes) -> dict[str, Any]:
        recipe = self._recipe
        return {
            "command": f"python -m services.trainer --recipe {recipe.name}",
            "recipe": json.loads(json.dumps(recipe.to_json())),
            "stages": self._curves,
            "data": {"takes": len(takes), "sha256": takes.digest()},
            "revision": revision(Path(__file__).parents[2]),
            "torch": torch.__version__,
        }


def _said(split: Split, seconds: int, seed: int) -> SpeechSample:
    """Every other training utterance is by a voice that nobody has, in words that nobody knows."""
    samples = seconds * SAMPLE_RATE
    made = draw_strange(seed, samples) if split is Split.TRAIN and seed % 2 else draw(split, seed, samples)
    return SpeechSample(made.samples.astype(np.float32), made.track.frames(seconds * int(_FPS), _FPS))


@torch.no_grad()
def both_ways(
    takes: Takes, codec: TinyCodec, encoder: TinySpeechEncoder, advance: Callable[[int, int], None] = lambda _done, _of: None
) -> ClipLatents:
    """Every take as A that shall say B and as B that shall say A, once with what is heard and once with the true mouth shapes.

    The true shapes teach what each one looks like; the heard ones, how far the encoder is to be trusted. ``advance`` is told
    how many takes are encoded.
    """
    device = next(encoder.parameters()).device
    times, sounds = torch.from_numpy(takes.times).to(device), torch.from_numpy(takes.sound).flatten(0, 1).to(device)
    heard = torch.stack([encoder(sound.float() / 32_768.0, times) for sound in sounds]).cpu()
    true = encoder.spread(torch.from_numpy(takes.visemes).flatten(0, 1).to(device)).cpu()
    pairs = []
    for done, pair in enumerate(takes.crops, 1):
        pairs += [encode_pair(codec, clip) for clip in pair]
        advance(done, len(takes))
    reference, masked = (torch.stack([pair[which].half() for pair in pairs]).repeat(2, 1, 1, 1, 1).cpu() for which in (0, 1))
    # Footage of A that shall say B is to become the footage of B: nothing has to be encoded twice.
    target, heard, true = (x.unflatten(0, (-1, 2)).flip(1).flatten(0, 1) for x in (reference, heard, true))
    return ClipLatents(reference, masked, target, torch.cat([heard, true]).half())


def target_shapes(takes: Takes) -> Tensor:
    """What the target mouths of ``both_ways`` look like, [4N, V, 9]: viseme parameters, drawn opening and width."""
    shapes = np.concatenate([takes.visemes, takes.truth], axis=-1)[:, ::-1]
    return torch.from_numpy(np.ascontiguousarray(shapes)).float().flatten(0, 1).repeat(2, 1, 1)


def goal(found: Mapping[str, Any], plan: Evaluation) -> dict[str, Any]:
    """What was wanted of the test split, and whether it was ``found``."""
    reached = found["r_open"] >= plan.opening and found["r_width"] >= plan.width
    return {"r_open": plan.opening, "r_width": plan.width, "reached": reached}


def _fingerprint(module: nn.Module) -> str:
    """SHA-256 over a module's tensors."""
    found = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        found.update(name.encode())
        found.update(tensor.contiguous().numpy().tobytes())
    return found.hexdigest()
