"""The networks that a run starts from: what earlier runs left, read and compared before anything is trained."""

from pathlib import Path

from dubbing.domain.networks import SERVED
from dubbing.errors import ObjectMissing, UnfitStart
from lipforcing.contract import STUDENTS
from lipforcing.presets import StudentConfig
from lipforcing.weights.errors import UnreadableWeightsError, WeightsError
from lipforcing.weights.folder import MANIFEST, TENSORS
from services.trainer.common.site import Site
from services.trainer.methods.encoders import Encoders
from services.trainer.methods.folders import StoredNetwork, read_network, read_served
from services.trainer.methods.places import folder_of
from services.trainer.methods.recipe import MethodRecipe

NETWORK = "network"  # the folder of a candidate that holds the network between runs


def check_named(recipe: MethodRecipe) -> None:
    """Refuse a run that names no network where it needs one: only the small teacher starts afresh.

    Raises:
        UnfitStart: says what is missing.
    """
    afresh = recipe.follows is None and recipe.preset == "tiny"
    needed = {"start": not afresh, "teacher": recipe.taught_by is not None}
    for setting, wanted in (("start", recipe.follows), ("teacher", recipe.taught_by)):
        if needed[setting] and not getattr(recipe, setting):
            origin = f"a finished run of {wanted}" if wanted else "the place of a network"
            raise _unfit(setting, f"{recipe.name} starts from {origin}, and none is named.")


def load_start(
    site: Site, setting: str, named: str, *, wanted: str | None, config: StudentConfig, encoders: Encoders
) -> StoredNetwork:
    """The network that a setting names: by a run's id, a folder, a prefix of the object store, or ``served:N``.

    The last is version N of the demonstration model's student. Of a run the recipe is ``wanted``.

    Raises:
        UnfitStart: absent, damaged, of another recipe or size, or trained on other latents.
        PlaceNotAllowed: it is a folder that is not opened to runs.
    """
    try:
        stored = _read(site, setting, named)
    except (WeightsError, ObjectMissing) as error:
        raise _unfit(setting, f"{named} holds no network that can be started from: {error}") from error
    source = stored.source
    # A folder may be of any recipe; of a run the prescribed one is demanded.
    if setting in site.init_from and source.get("recipe") != wanted:
        raise _unfit(setting, f"{named} was made by {source.get('recipe')}, not by {wanted}.")
    # All sizes are told at once, so that one correction is enough.
    if stored.config != config:
        ours, theirs = config.to_json(), stored.config.to_json()
        apart = ", ".join(f"{name} {theirs[name]}, not {ours[name]}" for name in ours if ours[name] != theirs[name])
        raise _unfit(setting, f"The network of {named} has {apart}.", "give this run the same sizes by its settings")
    if not encoders.taught(source):
        raise _unfit(setting, f"The network of {named} was trained on latents and features of other encoders.",
                     "set encoders to the version that it was trained with, or train it again")  # fmt: skip
    return stored


def _read(site: Site, setting: str, named: str) -> StoredNetwork:
    if named.startswith(SERVED):
        version = named.removeprefix(SERVED)
        if not version.isdecimal():
            raise UnreadableWeightsError(f"{version!r} is no version's number")
        return read_served(site.models / STUDENTS["tiny"].student / version)
    return read_network(_folder(site, setting, named), verify=site.group.rank == 0)


def _folder(site: Site, setting: str, named: str) -> Path:
    if setting in site.init_from:
        return site.init_from[setting] / NETWORK
    return folder_of(site, setting, named, TENSORS, MANIFEST)


def _unfit(setting: str, detail: str, *advice: str) -> UnfitStart:
    return UnfitStart(
        detail,
        where={"pointer": f"/settings/{setting}", "stage": "training"},
        suggestions=(*advice, f"pass {setting}=RUN_ID of a finished run"),
    )
