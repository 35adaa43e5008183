from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, Literal, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="VideoRef")


@_attrs_define
class VideoRef:
    """The picture, of an uploaded file.

    Attributes:
        type_ (Literal['asset']):
        id (str):
        track (int | None | Unset):
    """

    type_: Literal["asset"]
    id: str
    track: int | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        id = self.id

        track: int | None | Unset
        if isinstance(self.track, Unset):
            track = UNSET
        else:
            track = self.track

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "type": type_,
                "id": id,
            }
        )
        if track is not UNSET:
            field_dict["track"] = track

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        type_ = cast(Literal["asset"], d.pop("type"))
        if type_ != "asset":
            raise ValueError(f"type must match const 'asset', got '{type_}'")

        id = d.pop("id")

        def _parse_track(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        track = _parse_track(d.pop("track", UNSET))

        video_ref = cls(
            type_=type_,
            id=id,
            track=track,
        )

        return video_ref
