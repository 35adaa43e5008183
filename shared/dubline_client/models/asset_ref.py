from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, Literal, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="AssetRef")


@_attrs_define
class AssetRef:
    """An uploaded file.

    Attributes:
        type_ (Literal['asset']):
        id (str):
    """

    type_: Literal["asset"]
    id: str

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        id = self.id

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "type": type_,
                "id": id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        type_ = cast(Literal["asset"], d.pop("type"))
        if type_ != "asset":
            raise ValueError(f"type must match const 'asset', got '{type_}'")

        id = d.pop("id")

        asset_ref = cls(
            type_=type_,
            id=id,
        )

        return asset_ref
