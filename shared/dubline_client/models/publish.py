from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="Publish")


@_attrs_define
class Publish:
    """How to publish: ``share`` of new jobs that get the version; less than 1 makes it a canary.

    Attributes:
        share (float | Unset):  Default: 1.0.
    """

    share: float | Unset = 1.0

    def to_dict(self) -> dict[str, Any]:
        share = self.share

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if share is not UNSET:
            field_dict["share"] = share

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        share = d.pop("share", UNSET)

        publish = cls(
            share=share,
        )

        return publish
