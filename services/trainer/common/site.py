"""Where a process trains: what it finds around itself, whatever the recipe."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dubbing.settings import S3Settings
from services.trainer.common.group import Group

Advance = Callable[[str, int, int], None]


def in_silence(_what: str, _done: int, _of: int) -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True)
class Site:
    """One process's surroundings.

    Attributes:
        cache: folder of prepared data, shared by all runs of this machine.
        group: the run's processes.
        models: model repository whose encoders make latents and features.
        init_from: folders of what other runs made, by the setting that names the run.
        s3: the object store, for what lies there; None where there is none.
        places: folders that settings of a run may name something in.
        advance: is told what is prepared, how much of it is done, and how much there is.
    """

    cache: Path
    group: Group
    models: Path
    init_from: Mapping[str, Path] = field(default_factory=dict)
    s3: S3Settings | None = None
    places: tuple[Path, ...] = ()
    advance: Advance = in_silence
