from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="SyncNetScore")


@_attrs_define
class SyncNetScore:
    """What SyncNet (Chung and Zisserman, 2016) says of mouths and a track, over ``frames`` of 25 a second.

    Attributes:
        confidence: Sync-C, median minus smallest distance over all shifts; more is better.
        distance: Sync-D, the smallest distance; less is better.
        offset_frames: frames by which the sound comes before its picture there (negative: after it).

        Attributes:
            frames (int):
            confidence (float):
            distance (float):
            offset_frames (int):
    """

    frames: int
    confidence: float
    distance: float
    offset_frames: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        frames = self.frames

        confidence = self.confidence

        distance = self.distance

        offset_frames = self.offset_frames

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "frames": frames,
                "confidence": confidence,
                "distance": distance,
                "offset_frames": offset_frames,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        frames = d.pop("frames")

        confidence = d.pop("confidence")

        distance = d.pop("distance")

        offset_frames = d.pop("offset_frames")

        sync_net_score = cls(
            frames=frames,
            confidence=confidence,
            distance=distance,
            offset_frames=offset_frames,
        )

        sync_net_score.additional_properties = d
        return sync_net_score

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
