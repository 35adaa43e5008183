from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.frame_range import FrameRange


T = TypeVar("T", bound="Difference")


@_attrs_define
class Difference:
    """One fact in which two readings differ, in words, and the frames that it is about.

    Attributes:
        fact (str):
        first (str):
        second (str):
        frames (list[FrameRange]):
    """

    fact: str
    first: str
    second: str
    frames: list[FrameRange]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.frame_range import FrameRange  # noqa: PLC0415

        fact = self.fact

        first = self.first

        second = self.second

        frames = []
        for frames_item_data in self.frames:
            frames_item = frames_item_data.to_dict()
            frames.append(frames_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "fact": fact,
                "first": first,
                "second": second,
                "frames": frames,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.frame_range import FrameRange  # noqa: PLC0415

        d = dict(src_dict)
        fact = d.pop("fact")

        first = d.pop("first")

        second = d.pop("second")

        frames = []
        _frames = d.pop("frames")
        for frames_item_data in _frames:
            frames_item = FrameRange.from_dict(frames_item_data)

            frames.append(frames_item)

        difference = cls(
            fact=fact,
            first=first,
            second=second,
            frames=frames,
        )

        difference.additional_properties = d
        return difference

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
