from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="CastFace")


@_attrs_define
class CastFace:
    """One face through one shot. Who it is, nobody measures: a person in three shots is three faces.

    ``frames`` counts those in which it was seen, ``picture`` is a presigned JPEG of it, null where an older analysis
    made none.

        Attributes:
            track (int):
            shot (int):
            start (int):
            end (int):
            timecode (str):
            frames (int):
            size (float):
            picture (None | str):
    """

    track: int
    shot: int
    start: int
    end: int
    timecode: str
    frames: int
    size: float
    picture: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        track = self.track

        shot = self.shot

        start = self.start

        end = self.end

        timecode = self.timecode

        frames = self.frames

        size = self.size

        picture: None | str
        picture = self.picture

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "track": track,
                "shot": shot,
                "start": start,
                "end": end,
                "timecode": timecode,
                "frames": frames,
                "size": size,
                "picture": picture,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        track = d.pop("track")

        shot = d.pop("shot")

        start = d.pop("start")

        end = d.pop("end")

        timecode = d.pop("timecode")

        frames = d.pop("frames")

        size = d.pop("size")

        def _parse_picture(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        picture = _parse_picture(d.pop("picture"))

        cast_face = cls(
            track=track,
            shot=shot,
            start=start,
            end=end,
            timecode=timecode,
            frames=frames,
            size=size,
            picture=picture,
        )

        cast_face.additional_properties = d
        return cast_face

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
