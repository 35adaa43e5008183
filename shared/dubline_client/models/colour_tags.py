from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="ColourTags")


@_attrs_define
class ColourTags:
    """Colour description as ffmpeg names it (ITU-T H.273); None where the file says nothing.

    Attributes:
        primaries (None | str):
        transfer (None | str):
        matrix (None | str):
        range_ (None | str):
    """

    primaries: None | str
    transfer: None | str
    matrix: None | str
    range_: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        primaries: None | str
        primaries = self.primaries

        transfer: None | str
        transfer = self.transfer

        matrix: None | str
        matrix = self.matrix

        range_: None | str
        range_ = self.range_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "primaries": primaries,
                "transfer": transfer,
                "matrix": matrix,
                "range": range_,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_primaries(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        primaries = _parse_primaries(d.pop("primaries"))

        def _parse_transfer(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        transfer = _parse_transfer(d.pop("transfer"))

        def _parse_matrix(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        matrix = _parse_matrix(d.pop("matrix"))

        def _parse_range_(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        range_ = _parse_range_(d.pop("range"))

        colour_tags = cls(
            primaries=primaries,
            transfer=transfer,
            matrix=matrix,
            range_=range_,
        )

        colour_tags.additional_properties = d
        return colour_tags

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
