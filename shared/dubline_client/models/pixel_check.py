from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="PixelCheck")


@_attrs_define
class PixelCheck:
    """Frames of the master beside those of the source, decoded by the second reading.

    Attributes:
        frames: how many were compared: one in each second, and both sides of every cut, hole and edit.
        worst: largest median difference of grey values between the two, 0 to 255.
        worst_frame: the frame that it was found in.

        Attributes:
            frames (int):
            worst (float):
            worst_frame (int):
    """

    frames: int
    worst: float
    worst_frame: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        frames = self.frames

        worst = self.worst

        worst_frame = self.worst_frame

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "frames": frames,
                "worst": worst,
                "worst_frame": worst_frame,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        frames = d.pop("frames")

        worst = d.pop("worst")

        worst_frame = d.pop("worst_frame")

        pixel_check = cls(
            frames=frames,
            worst=worst,
            worst_frame=worst_frame,
        )

        pixel_check.additional_properties = d
        return pixel_check

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
