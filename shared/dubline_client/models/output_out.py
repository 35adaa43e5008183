from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.destination_out import DestinationOut


T = TypeVar("T", bound="OutputOut")


@_attrs_define
class OutputOut:
    """Where masters are delivered to, besides our own store.

    Attributes:
        destination (DestinationOut): The folder of a bucket that masters are delivered to.
    """

    destination: DestinationOut
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.destination_out import DestinationOut  # noqa: PLC0415

        destination = self.destination.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "destination": destination,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.destination_out import DestinationOut  # noqa: PLC0415

        d = dict(src_dict)
        destination = DestinationOut.from_dict(d.pop("destination"))

        output_out = cls(
            destination=destination,
        )

        output_out.additional_properties = d
        return output_out

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
