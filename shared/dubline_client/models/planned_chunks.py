from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="PlannedChunks")


@_attrs_define
class PlannedChunks:
    """What would be generated: ``generated`` of so many ``chunks``, with ``frames`` frames of mouths.

    ``nearly_all`` is true when nearly nothing of an earlier master would be kept: the new sound differs from its sound
    everywhere, as after an export with loss or another mastering.

        Attributes:
            chunks (int):
            generated (int):
            frames (int):
            nearly_all (bool):
    """

    chunks: int
    generated: int
    frames: int
    nearly_all: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        chunks = self.chunks

        generated = self.generated

        frames = self.frames

        nearly_all = self.nearly_all

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "chunks": chunks,
                "generated": generated,
                "frames": frames,
                "nearly_all": nearly_all,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        chunks = d.pop("chunks")

        generated = d.pop("generated")

        frames = d.pop("frames")

        nearly_all = d.pop("nearly_all")

        planned_chunks = cls(
            chunks=chunks,
            generated=generated,
            frames=frames,
            nearly_all=nearly_all,
        )

        planned_chunks.additional_properties = d
        return planned_chunks

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
