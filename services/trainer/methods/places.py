"""What the settings of a run name outside it: something in the object store, or in a folder that the operator has opened.

Whoever may start runs chooses these names, and a run reads with the trainer's rights: every path comes through here.
"""

import hashlib
from pathlib import Path

from dubbing.domain.training import IN_STORE, place_refused
from dubbing.errors import BadInput, InvalidSetting
from services.trainer.common.site import Site
from services.trainer.footage.place import FolderPlace, Place, place_at


def place_of(site: Site, setting: str, named: str) -> Place:
    """The data set's place, or another's that is read file by file.

    Raises:
        PlaceNotAllowed: a folder that is not opened to runs.
        InvalidSetting: no bucket is named, or there is no object store.
    """
    if not named.startswith(IN_STORE):
        return FolderPlace(_opened(site, setting, named))
    where = {"pointer": f"/settings/{setting}"}
    if site.s3 is None:
        raise InvalidSetting("There is no object store here.", where=where)
    try:
        return place_at(named, site.s3)
    except BadInput as error:
        raise InvalidSetting(error.detail, where=where, suggestions=error.suggestions) from error


def folder_of(site: Site, setting: str, named: str, *files: str) -> Path:
    """The folder of this machine that is named, or a copy of ``files`` of a prefix of the object store.

    Raises:
        ObjectMissing: the store lacks one of the files.
        DublineError: as `place_of`.
    """
    if not named.startswith(IN_STORE):
        return _opened(site, setting, named)
    place, copy = place_of(site, setting, named), _copy(site, named)
    copy.mkdir(exist_ok=True)
    for name in files:
        place.get_file(name, copy / name)
    return copy


def file_of(site: Site, setting: str, named: str) -> Path:
    """The file of this machine that is named, or a copy of one of the object store; raises as `folder_of`."""
    if not named.startswith(IN_STORE):
        return _opened(site, setting, named)
    prefix, _, name = named.removeprefix(IN_STORE).rpartition("/")
    place, copy = place_of(site, setting, IN_STORE + prefix), _copy(site, named)
    place.get_file(name, copy)
    return copy


def _copy(site: Site, named: str) -> Path:
    """Where the copy of something in the object store belongs; nothing of its name is a path of this machine."""
    folder = site.cache / "named"
    folder.mkdir(exist_ok=True)
    return folder / hashlib.sha256(named.encode()).hexdigest()[:16]


def _opened(site: Site, setting: str, named: str) -> Path:
    """Where a path really leads, if that is inside a folder that the operator has opened."""
    path = Path(named).resolve()
    if not any(path.is_relative_to(place.resolve()) for place in site.places):
        raise place_refused(setting, named, site.places)
    return path
