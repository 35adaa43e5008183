from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="PartRef")


@_attrs_define
class PartRef:
    """A part and the ETag that its PUT answered.

    Attributes:
        n (int):
        etag (str):
    """

    n: int
    etag: str

    def to_dict(self) -> dict[str, Any]:
        n = self.n

        etag = self.etag

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "n": n,
                "etag": etag,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        n = d.pop("n")

        etag = d.pop("etag")

        part_ref = cls(
            n=n,
            etag=etag,
        )

        return part_ref
