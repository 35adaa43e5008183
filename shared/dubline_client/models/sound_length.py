from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="SoundLength")


@_attrs_define
class SoundLength:
    """How long the sound is, holes included; ``frames`` are those of the picture, null while that is unknown.

    Attributes:
        samples (int):
        sample_rate (int):
        channels (int):
        duration_ms (int):
        frames (float | None):
    """

    samples: int
    sample_rate: int
    channels: int
    duration_ms: int
    frames: float | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        samples = self.samples

        sample_rate = self.sample_rate

        channels = self.channels

        duration_ms = self.duration_ms

        frames: float | None
        frames = self.frames

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "samples": samples,
                "sample_rate": sample_rate,
                "channels": channels,
                "duration_ms": duration_ms,
                "frames": frames,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        samples = d.pop("samples")

        sample_rate = d.pop("sample_rate")

        channels = d.pop("channels")

        duration_ms = d.pop("duration_ms")

        def _parse_frames(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        frames = _parse_frames(d.pop("frames"))

        sound_length = cls(
            samples=samples,
            sample_rate=sample_rate,
            channels=channels,
            duration_ms=duration_ms,
            frames=frames,
        )

        sound_length.additional_properties = d
        return sound_length

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
