from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, Literal, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="AudioRef")


@_attrs_define
class AudioRef:
    """The new sound, of an uploaded file.

    Attributes:
        type_ (Literal['asset']):
        id (str):
        tracks (list[int] | Unset):
        channels (list[int] | Unset):
    """

    type_: Literal["asset"]
    id: str
    tracks: list[int] | Unset = UNSET
    channels: list[int] | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        id = self.id

        tracks: list[int] | Unset = UNSET
        if not isinstance(self.tracks, Unset):
            tracks = self.tracks

        channels: list[int] | Unset = UNSET
        if not isinstance(self.channels, Unset):
            channels = self.channels

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "type": type_,
                "id": id,
            }
        )
        if tracks is not UNSET:
            field_dict["tracks"] = tracks
        if channels is not UNSET:
            field_dict["channels"] = channels

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        type_ = cast(Literal["asset"], d.pop("type"))
        if type_ != "asset":
            raise ValueError(f"type must match const 'asset', got '{type_}'")

        id = d.pop("id")

        tracks = cast(list[int], d.pop("tracks", UNSET))

        channels = cast(list[int], d.pop("channels", UNSET))

        audio_ref = cls(
            type_=type_,
            id=id,
            tracks=tracks,
            channels=channels,
        )

        return audio_ref
