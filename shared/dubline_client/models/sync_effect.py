from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.sync_effect_does import SyncEffectDoes, check_sync_effect_does
from ..types import UNSET, Unset

T = TypeVar("T", bound="SyncEffect")


@_attrs_define
class SyncEffect:
    """What a sync mode would do with the pair, and how many milliseconds of sound it would cut or fill up.

    Attributes:
        does (SyncEffectDoes):
        ms (int):
    """

    does: SyncEffectDoes
    ms: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        does: str = self.does

        ms = self.ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "does": does,
                "ms": ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        does = check_sync_effect_does(d.pop("does"))

        ms = d.pop("ms")

        sync_effect = cls(
            does=does,
            ms=ms,
        )

        sync_effect.additional_properties = d
        return sync_effect

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
