from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="Destination")


@_attrs_define
class Destination:
    """A folder of a connected bucket; ``prefix`` lies inside that of the connection.

    Attributes:
        connection (str):
        prefix (str | Unset):  Default: ''.
    """

    connection: str
    prefix: str | Unset = ""

    def to_dict(self) -> dict[str, Any]:
        connection = self.connection

        prefix = self.prefix

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "connection": connection,
            }
        )
        if prefix is not UNSET:
            field_dict["prefix"] = prefix

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        connection = d.pop("connection")

        prefix = d.pop("prefix", UNSET)

        destination = cls(
            connection=connection,
            prefix=prefix,
        )

        return destination
