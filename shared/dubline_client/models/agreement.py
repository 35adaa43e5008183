from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="Agreement")


@_attrs_define
class Agreement:
    """How the opening of mouths agrees with the loudness of a track (`dubbing.faces.agreement`).

    Attributes:
        score: correlation of the two at the best lag.
        lag_frames: that lag; positive when the mouth moves after the sound.
        significance: share of shifted sounds that agree as well by chance.

        Attributes:
            score (float):
            lag_frames (int):
            significance (float):
    """

    score: float
    lag_frames: int
    significance: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        score = self.score

        lag_frames = self.lag_frames

        significance = self.significance

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "score": score,
                "lag_frames": lag_frames,
                "significance": significance,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        score = d.pop("score")

        lag_frames = d.pop("lag_frames")

        significance = d.pop("significance")

        agreement = cls(
            score=score,
            lag_frames=lag_frames,
            significance=significance,
        )

        agreement.additional_properties = d
        return agreement

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
