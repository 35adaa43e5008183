"""A recipe of the methods as a run of the service: what it learns, what it starts from, its method, and what it leaves."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from dubbing.errors import InvalidSetting, ObjectMissing
from lipforcing.contract import LATENTS_PER_BLOCK, frames_of
from lipforcing.network import LipNetwork
from lipforcing.presets import StudentConfig
from lipforcing.syncnet import PUBLISHED, TINY, ClipScorer
from lipforcing.vae.tiny import TinyCodec
from lipforcing.weights.digests import sha256_of
from lipforcing.weights.errors import KeyMismatchError, WeightsError
from lipforcing.weights.syncnet import load_syncnet
from services.trainer.common.site import Site
from services.trainer.common.update import precision
from services.trainer.footage.tensor_files import write_whole
from services.trainer.methods.dataset import Batches, Dataset
from services.trainer.methods.encoders import Encoders, load_decoder, load_encoders, stored_decoder
from services.trainer.methods.folders import StoredNetwork
from services.trainer.methods.footage_dataset import footage
from services.trainer.methods.forcing import Stage1
from services.trainer.methods.guidance import NullConditions
from services.trainer.methods.init_from import check_named, load_start
from services.trainer.methods.initialise import LEAST_WIDTH, fresh_network
from services.trainer.methods.parallelize import Parallelism
from services.trainer.methods.pictures import Pictures
from services.trainer.methods.places import file_of
from services.trainer.methods.recipe import MethodRecipe, build
from services.trainer.methods.reward import SyncReward
from services.trainer.methods.self_forcing import Stage2
from services.trainer.methods.show import Show, Versions
from services.trainer.methods.speaker_dataset import speakers
from services.trainer.methods.stage import MethodStage
from services.trainer.methods.sync_training import train_syncnet
from services.trainer.methods.teacher import Teacher
from services.trainer.methods.training import Method
from services.trainer.models.latents import channel_energy
from services.trainer.models.publish import publish, publish_student

if TYPE_CHECKING:
    from lipforcing.audio.tiny import TinySpeechEncoder


class MethodRun:
    """Puts a recipe's parts together on one process.

    Raises:
        InvalidSetting: the batch does not split over the processes, or a file is missing.
        UnfitStart: a network to start from is missing or does not fit.
        PlaceNotAllowed: a setting names a folder that is not opened to runs.
    """

    def __init__(self, recipe: MethodRecipe, site: Site, device: torch.device) -> None:
        group = site.group
        check_named(recipe)
        _check_split(recipe, group.world)
        _check_data(recipe)
        self._site, self._device = site, device
        self._parallelism = Parallelism(device, group, recipe.trained, recipe.half, recipe.seed)
        self._encoders = load_encoders(site.models, recipe.preset, recipe.encoders, device)
        self._recipe = recipe = _weighted(recipe, self._encoders)
        self._config = recipe.network
        # Before anything is rendered: a start that does not fit is told at once, and so is a student that could not be served.
        self._start = self._stored("start", recipe.start, recipe.follows, recipe.network)
        teaching = recipe.judges()[1].network if isinstance(recipe.stage, Stage2) else None
        self._teacher = self._stored("teacher", recipe.teacher, recipe.taught_by, teaching)
        self._named_syncnet = self._syncnet_file()
        self._versions = self._served()
        self._dataset = self._prepared()
        config, prompted = recipe.network, self._teacher or self._start
        nothing = torch.zeros(config.text_len, config.text_dim)
        self._text_LE, self._empty_LE = (prompted.text_LE, prompted.empty_LE) if prompted else (nothing, nothing)

    def stage(self) -> MethodStage:
        """The run, ready for its first step."""
        recipe, site = self._recipe, self._site
        torch.manual_seed(recipe.seed)  # for whatever is drawn without a generator of its own
        network = self._parallelism.network(recipe.network, self._begun())
        method = self._method(network)
        # The first network is what the run is about; its averaged weights are shown and exported.
        update = next(iter(method.updates.values()))
        show = Show(
            network, update, None if isinstance(recipe.stage, Stage1 | Stage2) else recipe.teaching, self._text_LE,
            self._empty_LE, self._encoders, self._batches(sound=False).shown(), site.group.rank == 0, recipe.half,
            recipe.trained, self._versions,
        )  # fmt: skip
        return MethodStage(
            method, recipe.steps, self._batches(sound=recipe.rewarded), samples=recipe.batch, facts=self._facts(),
            draw=show.draw, export=show.export, sharded=self._parallelism.sharded,
            within=partial(precision, self._device, half=recipe.half),
        )  # fmt: skip

    def _stored(self, setting: str, named: str, wanted: str | None, config: StudentConfig | None) -> StoredNetwork | None:
        """The network that a setting names; None where none is needed."""
        if config is None or not named:
            return None
        return load_start(self._site, setting, named, wanted=wanted, config=config, encoders=self._encoders)

    def _served(self) -> Versions | None:
        """What writes the version folders of this run's student, where it makes one; the first process does."""
        recipe, encoders = self._recipe, self._encoders
        if not isinstance(recipe.stage, Stage1 | Stage2) or self._site.group.rank != 0:
            return None
        if recipe.preset != "tiny":
            decoder = stored_decoder(self._site.models, recipe.preset)
            return lambda folder, network, source: publish_student(
                folder, recipe.preset, network, source, codec=decoder, text_LE=self._text_LE
            )
        codec, speech = cast("TinyCodec", encoders.codec), cast("TinySpeechEncoder", encoders.speech)
        return lambda folder, network, source: publish(folder, codec, speech, network, source)

    def _prepared(self) -> Dataset:
        """What is learned; the first process prepares it, the others find it."""
        site = self._site
        # Behind the barrier everything is on the disk, and the others only read it.
        dataset = self._load_dataset() if site.group.rank == 0 else None
        site.group.barrier()
        return self._load_dataset() if dataset is None else dataset

    def _load_dataset(self) -> Dataset:
        if self._recipe.data:
            return footage(self._recipe, self._site, self._encoders)
        return speakers(self._recipe, self._site.cache, self._encoders, self._site.advance, self._device)

    def _begun(self) -> Mapping[str, Tensor]:
        """The weights that the run begins with."""
        if self._start is not None:
            return self._start.weights
        if self._config.dim < LEAST_WIDTH:
            raise InvalidSetting(
                f"A network that starts afresh is wired by {LEAST_WIDTH} channels and cannot have {self._config.dim}.",
                where={"pointer": "/settings/network.dim"},
            )
        return fresh_network(self._config, self._recipe.seed).state_dict()

    def _method(self, network: LipNetwork) -> Method:
        recipe, null = self._recipe, NullConditions(self._empty_LE.to(self._device))
        if self._teacher is None:
            return build(recipe, network, null, pictures=self._pictures())
        taught_by, begun = self._teacher, self._judged_by()
        frozen = self._parallelism.network(taught_by.config, taught_by.weights, frozen=True)
        teacher = Teacher(recipe.judges()[1], frozen, null)
        critic = self._parallelism.network(begun.config, begun.weights)
        reward = self._reward() if recipe.rewarded else None
        return build(recipe, network, null, critic=critic, teacher=teacher, reward=reward)

    def _judged_by(self) -> StoredNetwork:
        """What the critic begins as: the teacher, or, where that is of another size, what the student starts from."""
        found = [one for one in (self._teacher, self._start) if one is not None and one.config == self._recipe.critic]
        if not found:
            raise InvalidSetting(
                "The critic has neither the teacher's sizes nor the student's, so there is nothing that it could begin as.",
                where={"pointer": "/settings/critic.dim"},
            )
        return found[0]

    def _pictures(self) -> Pictures | None:
        """The decoder in the loss, where the recipe asks for it; of the small model's codec alone."""
        if not isinstance(self._recipe.stage, Stage1) or not self._recipe.stage.picture:
            return None
        if not isinstance(codec := self._encoders.codec, TinyCodec):
            raise InvalidSetting(
                f"{self._recipe.preset} has no codec that is quick enough to decode in the loss.",
                where={"pointer": "/settings/stage.picture"}, suggestions=("set it to 0",),
            )  # fmt: skip
        return Pictures(codec)

    def _reward(self) -> SyncReward:
        site, path = self._site, self._syncnet()
        if self._named_syncnet is None and site.group.rank == 0 and not path.exists():
            training = partial(site.advance, "training SyncNet")
            network, curve = train_syncnet(self._dataset.spoken(), self._recipe.sync, self._recipe.seed, training, self._device)
            write_whole(path, network.state_dict())
            path.with_suffix(".json").write_text(json.dumps(curve.to_json()))
        site.group.barrier()
        try:
            try:
                network = load_syncnet(path, TINY)
            except KeyMismatchError:
                network = load_syncnet(path, PUBLISHED)
        except WeightsError as error:
            raise _no_syncnet(f"{path} holds no SyncNet: {error}") from error
        # A short clip has fewer places than SyncNet has shifts: it is compared within itself.
        frames = frames_of(self._recipe.latents // LATENTS_PER_BLOCK)
        decoder = load_decoder(site.models, self._recipe.preset, self._encoders, self._device)
        return SyncReward(decoder, ClipScorer.of_clips(network.to(self._device), frames))

    def _syncnet_file(self) -> Path | None:
        """The file that the setting names, where it is read."""
        named = self._recipe.syncnet
        try:
            return file_of(self._site, "syncnet", named) if named and self._recipe.rewarded else None
        except ObjectMissing as error:
            raise _no_syncnet(f"There is no {named}.") from error

    def _syncnet(self) -> Path:
        """The file of the SyncNet that rewards."""
        if self._named_syncnet is not None:
            return self._named_syncnet
        key = json.dumps([asdict(self._recipe.sync), self._dataset.digest, self._recipe.seed], sort_keys=True)
        return self._site.cache / f"syncnet-{hashlib.sha256(key.encode()).hexdigest()[:16]}.safetensors"

    def _batches(self, *, sound: bool) -> Batches:
        recipe, group = self._recipe, self._site.group
        return Batches(
            self._dataset, recipe.batch, recipe.micro, group.rank, group.world, recipe.seed, self._text_LE, sound, self._device
        )

    def _facts(self) -> dict[str, Any]:
        recipe = self._recipe
        networks = [recipe.network, *([recipe.critic] if recipe.critic else [])]
        init_from = {"start": self._start, "teacher": self._teacher}
        return {
            "parameters": sum(recipe.trained.count(config) for config in networks),
            "data": self._dataset.digest,
            "clips": len(self._dataset),
            "refused": self._dataset.refused,
            "encoders": self._encoders.digests,
            "starts": {name: stored.digest for name, stored in init_from.items() if stored is not None},
            "reward": sha256_of(self._syncnet()) if recipe.rewarded else None,
            "torch": torch.__version__,
            "device": torch.cuda.get_device_name(self._device) if self._device.type == "cuda" else "cpu",
        }


def open_run(recipe: MethodRecipe, site: Site, device: torch.device) -> MethodStage:
    """The stage of one process of a run; raises like `MethodRun`."""
    return MethodRun(recipe, site, device).stage()


def _check_data(recipe: MethodRecipe) -> None:
    if not recipe.data and recipe.preset != "tiny":
        raise InvalidSetting(
            f"{recipe.name} learns from footage: generated speakers are drawn for the small model alone.",
            where={"pointer": "/settings/data"},
            suggestions=("name what `dubline data prepare --crop 512` has written",),
        )


def _no_syncnet(detail: str) -> InvalidSetting:
    return InvalidSetting(
        detail, where={"pointer": "/settings/syncnet"},
        suggestions=("name the file of syncnet_v2, or leave it empty to train a small one",),
    )  # fmt: skip


def _check_split(recipe: MethodRecipe, world: int) -> None:
    for name in ("batch", "rng_group"):
        samples = getattr(recipe, name)
        if samples % (world * recipe.micro):
            raise InvalidSetting(
                f"{name} {samples} does not split over {world} processes in micro-batches of {recipe.micro}.",
                where={"pointer": f"/settings/{name}"},
            )


def _weighted(recipe: MethodRecipe, encoders: Encoders) -> MethodRecipe:
    """The recipe with a weight for every latent channel, where it asks for weights by energy."""
    if not recipe.energy:
        return recipe
    # [Z], to a power below 1, so that channels which hardly show still count; then of mean 1.
    energy_Z = channel_energy(encoders.codec) ** recipe.energy  # type: ignore[arg-type]
    channels = tuple((energy_Z / energy_Z.mean()).tolist())
    return replace(recipe, stage=replace(recipe.stage, places=replace(recipe.stage.places, channels=channels)))
