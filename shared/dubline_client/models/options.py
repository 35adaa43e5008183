from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, Literal, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="Options")


@_attrs_define
class Options:
    """What to do with what cannot be dubbed: frames without a face keep the source's pixels.

    Attributes:
        on_no_face (Literal['passthrough'] | Unset):  Default: 'passthrough'.
    """

    on_no_face: Literal["passthrough"] | Unset = "passthrough"

    def to_dict(self) -> dict[str, Any]:
        on_no_face = self.on_no_face

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if on_no_face is not UNSET:
            field_dict["on_no_face"] = on_no_face

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        on_no_face = cast(Literal["passthrough"] | Unset, d.pop("on_no_face", UNSET))
        if on_no_face != "passthrough" and not isinstance(on_no_face, Unset):
            raise ValueError(f"on_no_face must match const 'passthrough', got '{on_no_face}'")

        options = cls(
            on_no_face=on_no_face,
        )

        return options
