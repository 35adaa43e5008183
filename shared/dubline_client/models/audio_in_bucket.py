from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, Literal, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="AudioInBucket")


@_attrs_define
class AudioInBucket:
    """The new sound, of a file in a bucket.

    Attributes:
        type_ (Literal['s3']):
        url (str):
        connection (str):
        tracks (list[int] | Unset):
        channels (list[int] | Unset):
        sha256 (None | str | Unset):
    """

    type_: Literal["s3"]
    url: str
    connection: str
    tracks: list[int] | Unset = UNSET
    channels: list[int] | Unset = UNSET
    sha256: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        url = self.url

        connection = self.connection

        tracks: list[int] | Unset = UNSET
        if not isinstance(self.tracks, Unset):
            tracks = self.tracks

        channels: list[int] | Unset = UNSET
        if not isinstance(self.channels, Unset):
            channels = self.channels

        sha256: None | str | Unset
        if isinstance(self.sha256, Unset):
            sha256 = UNSET
        else:
            sha256 = self.sha256

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "type": type_,
                "url": url,
                "connection": connection,
            }
        )
        if tracks is not UNSET:
            field_dict["tracks"] = tracks
        if channels is not UNSET:
            field_dict["channels"] = channels
        if sha256 is not UNSET:
            field_dict["sha256"] = sha256

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        type_ = cast(Literal["s3"], d.pop("type"))
        if type_ != "s3":
            raise ValueError(f"type must match const 's3', got '{type_}'")

        url = d.pop("url")

        connection = d.pop("connection")

        tracks = cast(list[int], d.pop("tracks", UNSET))

        channels = cast(list[int], d.pop("channels", UNSET))

        def _parse_sha256(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        sha256 = _parse_sha256(d.pop("sha256", UNSET))

        audio_in_bucket = cls(
            type_=type_,
            url=url,
            connection=connection,
            tracks=tracks,
            channels=channels,
            sha256=sha256,
        )

        return audio_in_bucket
