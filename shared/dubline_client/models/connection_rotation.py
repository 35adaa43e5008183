from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="ConnectionRotation")


@_attrs_define
class ConnectionRotation:
    """The key that is used from now on.

    Attributes:
        access_key (str):
        secret_key (str):
    """

    access_key: str
    secret_key: str

    def to_dict(self) -> dict[str, Any]:
        access_key = self.access_key

        secret_key = self.secret_key

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "access_key": access_key,
                "secret_key": secret_key,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        access_key = d.pop("access_key")

        secret_key = d.pop("secret_key")

        connection_rotation = cls(
            access_key=access_key,
            secret_key=secret_key,
        )

        return connection_rotation
