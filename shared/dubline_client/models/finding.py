from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.frame_range import FrameRange


T = TypeVar("T", bound="Finding")


@_attrs_define
class Finding:
    """One thing that is told, in a sentence and with its place.

    Attributes:
        code: one of `FindingCode`; an older installation may have written others.
        detail: what was found, with the values that matter.
        frames: where in the picture, if it is about frames.

        Attributes:
            code (str):
            detail (str):
            frames (list[FrameRange]):
    """

    code: str
    detail: str
    frames: list[FrameRange]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.frame_range import FrameRange  # noqa: PLC0415

        code = self.code

        detail = self.detail

        frames = []
        for frames_item_data in self.frames:
            frames_item = frames_item_data.to_dict()
            frames.append(frames_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "code": code,
                "detail": detail,
                "frames": frames,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.frame_range import FrameRange  # noqa: PLC0415

        d = dict(src_dict)
        code = d.pop("code")

        detail = d.pop("detail")

        frames = []
        _frames = d.pop("frames")
        for frames_item_data in _frames:
            frames_item = FrameRange.from_dict(frames_item_data)

            frames.append(frames_item)

        finding = cls(
            code=code,
            detail=detail,
            frames=frames,
        )

        finding.additional_properties = d
        return finding

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
