from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.title_create_metadata import TitleCreateMetadata
    from ..models.video_in_bucket import VideoInBucket
    from ..models.video_ref import VideoRef
    from ..models.video_url import VideoUrl


T = TypeVar("T", bound="TitleCreate")


@_attrs_define
class TitleCreate:
    """A title: its picture, its name, and what it is called elsewhere (``external_id``, once in an organisation).

    Attributes:
        name (str):
        video (VideoInBucket | VideoRef | VideoUrl):
        external_id (None | str | Unset):
        metadata (TitleCreateMetadata | Unset):
    """

    name: str
    video: VideoInBucket | VideoRef | VideoUrl
    external_id: None | str | Unset = UNSET
    metadata: TitleCreateMetadata | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.title_create_metadata import TitleCreateMetadata  # noqa: PLC0415
        from ..models.video_in_bucket import VideoInBucket  # noqa: PLC0415
        from ..models.video_ref import VideoRef  # noqa: PLC0415
        from ..models.video_url import VideoUrl  # noqa: PLC0415

        name = self.name

        video: dict[str, Any]
        if isinstance(self.video, VideoRef):
            video = self.video.to_dict()
        elif isinstance(self.video, VideoUrl):
            video = self.video.to_dict()
        else:
            video = self.video.to_dict()

        external_id: None | str | Unset
        if isinstance(self.external_id, Unset):
            external_id = UNSET
        else:
            external_id = self.external_id

        metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metadata, Unset):
            metadata = self.metadata.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "video": video,
            }
        )
        if external_id is not UNSET:
            field_dict["external_id"] = external_id
        if metadata is not UNSET:
            field_dict["metadata"] = metadata

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.title_create_metadata import TitleCreateMetadata  # noqa: PLC0415
        from ..models.video_in_bucket import VideoInBucket  # noqa: PLC0415
        from ..models.video_ref import VideoRef  # noqa: PLC0415
        from ..models.video_url import VideoUrl  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        def _parse_video(data: object) -> VideoInBucket | VideoRef | VideoUrl:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                video_type_0 = VideoRef.from_dict(data)

                return video_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                video_type_1 = VideoUrl.from_dict(data)

                return video_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            video_type_2 = VideoInBucket.from_dict(data)

            return video_type_2

        video = _parse_video(d.pop("video"))

        def _parse_external_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        external_id = _parse_external_id(d.pop("external_id", UNSET))

        _metadata = d.pop("metadata", UNSET)
        metadata: TitleCreateMetadata | Unset
        if isinstance(_metadata, Unset):
            metadata = UNSET
        else:
            metadata = TitleCreateMetadata.from_dict(_metadata)

        title_create = cls(
            name=name,
            video=video,
            external_id=external_id,
            metadata=metadata,
        )

        return title_create
