from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="AudioFacts")


@_attrs_define
class AudioFacts:
    """One track; ``samples`` as decoded, of the ``tracks`` and ``picked`` channels that were used (all when empty).

    Attributes:
        filename (str):
        sha256 (str):
        sample_rate (int):
        channels (int):
        samples (int):
        tracks (list[int]):
        picked (list[int]):
        layout (None | str):
        codec (None | str):
    """

    filename: str
    sha256: str
    sample_rate: int
    channels: int
    samples: int
    tracks: list[int]
    picked: list[int]
    layout: None | str
    codec: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        filename = self.filename

        sha256 = self.sha256

        sample_rate = self.sample_rate

        channels = self.channels

        samples = self.samples

        tracks = self.tracks

        picked = self.picked

        layout: None | str
        layout = self.layout

        codec: None | str
        codec = self.codec

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "filename": filename,
                "sha256": sha256,
                "sample_rate": sample_rate,
                "channels": channels,
                "samples": samples,
                "tracks": tracks,
                "picked": picked,
                "layout": layout,
                "codec": codec,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        filename = d.pop("filename")

        sha256 = d.pop("sha256")

        sample_rate = d.pop("sample_rate")

        channels = d.pop("channels")

        samples = d.pop("samples")

        tracks = cast(list[int], d.pop("tracks"))

        picked = cast(list[int], d.pop("picked"))

        def _parse_layout(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        layout = _parse_layout(d.pop("layout"))

        def _parse_codec(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        codec = _parse_codec(d.pop("codec"))

        audio_facts = cls(
            filename=filename,
            sha256=sha256,
            sample_rate=sample_rate,
            channels=channels,
            samples=samples,
            tracks=tracks,
            picked=picked,
            layout=layout,
            codec=codec,
        )

        audio_facts.additional_properties = d
        return audio_facts

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
