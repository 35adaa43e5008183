from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="FaceOut")


@_attrs_define
class FaceOut:
    """One face through one shot: the frames in which it is dubbed, and those among them in which it was not seen.

    ``size`` is the distance between the eyes in pixels.

        Attributes:
            track (int):
            start (int):
            end (int):
            missing (list[int]):
            size (float):
    """

    track: int
    start: int
    end: int
    missing: list[int]
    size: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        track = self.track

        start = self.start

        end = self.end

        missing = self.missing

        size = self.size

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "track": track,
                "start": start,
                "end": end,
                "missing": missing,
                "size": size,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        track = d.pop("track")

        start = d.pop("start")

        end = d.pop("end")

        missing = cast(list[int], d.pop("missing"))

        size = d.pop("size")

        face_out = cls(
            track=track,
            start=start,
            end=end,
            missing=missing,
            size=size,
        )

        face_out.additional_properties = d
        return face_out

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
