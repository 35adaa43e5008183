from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.recipe_offer_settings import RecipeOfferSettings
    from ..models.recipe_offer_starts import RecipeOfferStarts


T = TypeVar("T", bound="RecipeOffer")


@_attrs_define
class RecipeOffer:
    """A recipe as a trainer offers it.

    Attributes:
        name: what callers type.
        summary: one sentence.
        settings: default of everything that ``--set`` reaches, by dotted name.
        accelerator: it does not run without one.
        preset: the students that it makes, None when nothing of it can be served.
        starts: settings that name a finished run, and the recipe that it must be of.
        outside: settings that name something outside the run: in the object store, or in one of ``places``.
        places: folders of the trainer's machine that its operator has opened to runs.

        Attributes:
            name (str):
            summary (str):
            settings (RecipeOfferSettings):
            accelerator (bool):  Default: False.
            preset (None | str):
            starts (RecipeOfferStarts):
            outside (list[str]):
            places (list[str]):
    """

    name: str
    summary: str
    settings: RecipeOfferSettings
    preset: None | str
    starts: RecipeOfferStarts
    outside: list[str]
    places: list[str]
    accelerator: bool = False
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.recipe_offer_settings import RecipeOfferSettings  # noqa: PLC0415
        from ..models.recipe_offer_starts import RecipeOfferStarts  # noqa: PLC0415

        name = self.name

        summary = self.summary

        settings = self.settings.to_dict()

        accelerator = self.accelerator

        preset: None | str
        preset = self.preset

        starts = self.starts.to_dict()

        outside = self.outside

        places = self.places

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "summary": summary,
                "settings": settings,
                "accelerator": accelerator,
                "preset": preset,
                "starts": starts,
                "outside": outside,
                "places": places,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.recipe_offer_settings import RecipeOfferSettings  # noqa: PLC0415
        from ..models.recipe_offer_starts import RecipeOfferStarts  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        summary = d.pop("summary")

        settings = RecipeOfferSettings.from_dict(d.pop("settings"))

        accelerator = d.pop("accelerator")

        def _parse_preset(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        preset = _parse_preset(d.pop("preset"))

        starts = RecipeOfferStarts.from_dict(d.pop("starts"))

        outside = cast(list[str], d.pop("outside"))

        places = cast(list[str], d.pop("places"))

        recipe_offer = cls(
            name=name,
            summary=summary,
            settings=settings,
            accelerator=accelerator,
            preset=preset,
            starts=starts,
            outside=outside,
            places=places,
        )

        recipe_offer.additional_properties = d
        return recipe_offer

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
