from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.run_create_settings import RunCreateSettings


T = TypeVar("T", bound="RunCreate")


@_attrs_define
class RunCreate:
    """One training run. ``settings`` change the recipe's defaults, by dotted name.

    Attributes:
        recipe (str):
        settings (RunCreateSettings | Unset):
        processes (int | Unset):  Default: 1.
    """

    recipe: str
    settings: RunCreateSettings | Unset = UNSET
    processes: int | Unset = 1

    def to_dict(self) -> dict[str, Any]:
        from ..models.run_create_settings import RunCreateSettings  # noqa: PLC0415

        recipe = self.recipe

        settings: dict[str, Any] | Unset = UNSET
        if not isinstance(self.settings, Unset):
            settings = self.settings.to_dict()

        processes = self.processes

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "recipe": recipe,
            }
        )
        if settings is not UNSET:
            field_dict["settings"] = settings
        if processes is not UNSET:
            field_dict["processes"] = processes

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.run_create_settings import RunCreateSettings  # noqa: PLC0415

        d = dict(src_dict)
        recipe = d.pop("recipe")

        _settings = d.pop("settings", UNSET)
        settings: RunCreateSettings | Unset
        if isinstance(_settings, Unset):
            settings = UNSET
        else:
            settings = RunCreateSettings.from_dict(_settings)

        processes = d.pop("processes", UNSET)

        run_create = cls(
            recipe=recipe,
            settings=settings,
            processes=processes,
        )

        return run_create
