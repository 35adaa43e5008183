from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.destination import Destination


T = TypeVar("T", bound="Output")


@_attrs_define
class Output:
    """Where a master is delivered to, with its receipt, besides our own store.

    Attributes:
        destination (Destination): A folder of a connected bucket; ``prefix`` lies inside that of the connection.
    """

    destination: Destination

    def to_dict(self) -> dict[str, Any]:
        from ..models.destination import Destination  # noqa: PLC0415

        destination = self.destination.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "destination": destination,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.destination import Destination  # noqa: PLC0415

        d = dict(src_dict)
        destination = Destination.from_dict(d.pop("destination"))

        output = cls(
            destination=destination,
        )

        return output
