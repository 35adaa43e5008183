from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="Reading")


@_attrs_define
class Reading:
    """What one reading says of a file; a fact that it does not see is None.

    Attributes:
        by: the programs that read, with their versions.
        tracks: numbers of the picture or the sound tracks that were read, from 1.
        frames: number of frames that a player shows.
        times_sha256: SHA-256 of their times in seconds, relative to the first, as ``numerator/denominator`` lines.
        size: width and height as displayed.
        start: seconds of the programme at which picture or sound begins.
        end: seconds at which it ends.
        samples: number of samples, without holes.
        holes: time without sound between samples, in samples of silence.

        Attributes:
            by (list[str]):
            tracks (list[int]):
            frames (int | None):
            times_sha256 (None | str):
            size (list[int] | None):
            start (None | str):
            end (None | str):
            samples (int | None):
            sample_rate (int | None):
            channels (int | None):
            holes (list[int]):
    """

    by: list[str]
    tracks: list[int]
    frames: int | None
    times_sha256: None | str
    size: list[int] | None
    start: None | str
    end: None | str
    samples: int | None
    sample_rate: int | None
    channels: int | None
    holes: list[int]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        by = self.by

        tracks = self.tracks

        frames: int | None
        frames = self.frames

        times_sha256: None | str
        times_sha256 = self.times_sha256

        size: list[int] | None
        if isinstance(self.size, list):
            size = []
            for size_type_0_item_data in self.size:
                size_type_0_item: int
                size_type_0_item = size_type_0_item_data
                size.append(size_type_0_item)

        else:
            size = self.size

        start: None | str
        start = self.start

        end: None | str
        end = self.end

        samples: int | None
        samples = self.samples

        sample_rate: int | None
        sample_rate = self.sample_rate

        channels: int | None
        channels = self.channels

        holes = self.holes

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "by": by,
                "tracks": tracks,
                "frames": frames,
                "times_sha256": times_sha256,
                "size": size,
                "start": start,
                "end": end,
                "samples": samples,
                "sample_rate": sample_rate,
                "channels": channels,
                "holes": holes,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        by = cast(list[str], d.pop("by"))

        tracks = cast(list[int], d.pop("tracks"))

        def _parse_frames(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        frames = _parse_frames(d.pop("frames"))

        def _parse_times_sha256(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        times_sha256 = _parse_times_sha256(d.pop("times_sha256"))

        def _parse_size(data: object) -> list[int] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                size_type_0 = []
                _size_type_0 = data
                for size_type_0_item_data in _size_type_0:

                    def _parse_size_type_0_item(data: object) -> int:
                        return cast(int, data)

                    size_type_0_item = _parse_size_type_0_item(size_type_0_item_data)

                    size_type_0.append(size_type_0_item)

                return size_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[int] | None, data)

        size = _parse_size(d.pop("size"))

        def _parse_start(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        start = _parse_start(d.pop("start"))

        def _parse_end(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        end = _parse_end(d.pop("end"))

        def _parse_samples(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        samples = _parse_samples(d.pop("samples"))

        def _parse_sample_rate(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        sample_rate = _parse_sample_rate(d.pop("sample_rate"))

        def _parse_channels(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        channels = _parse_channels(d.pop("channels"))

        holes = cast(list[int], d.pop("holes"))

        reading = cls(
            by=by,
            tracks=tracks,
            frames=frames,
            times_sha256=times_sha256,
            size=size,
            start=start,
            end=end,
            samples=samples,
            sample_rate=sample_rate,
            channels=channels,
            holes=holes,
        )

        reading.additional_properties = d
        return reading

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
