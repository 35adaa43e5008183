from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.colour_tags import ColourTags


T = TypeVar("T", bound="VideoFacts")


@_attrs_define
class VideoFacts:
    """One file's picture and its checksum.

    Attributes:
        filename (str):
        sha256 (str):
        size_bytes (int):
        frames (int):
        fps (str):
        width (int):
        height (int):
        rotation (int):  Default: 0.
        codec (str):
        colour (ColourTags): Colour description as ffmpeg names it (ITU-T H.273); None where the file says nothing.
    """

    filename: str
    sha256: str
    size_bytes: int
    frames: int
    fps: str
    width: int
    height: int
    codec: str
    colour: ColourTags
    rotation: int = 0
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.colour_tags import ColourTags  # noqa: PLC0415

        filename = self.filename

        sha256 = self.sha256

        size_bytes = self.size_bytes

        frames = self.frames

        fps = self.fps

        width = self.width

        height = self.height

        rotation = self.rotation

        codec = self.codec

        colour = self.colour.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "filename": filename,
                "sha256": sha256,
                "size_bytes": size_bytes,
                "frames": frames,
                "fps": fps,
                "width": width,
                "height": height,
                "rotation": rotation,
                "codec": codec,
                "colour": colour,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.colour_tags import ColourTags  # noqa: PLC0415

        d = dict(src_dict)
        filename = d.pop("filename")

        sha256 = d.pop("sha256")

        size_bytes = d.pop("size_bytes")

        frames = d.pop("frames")

        fps = d.pop("fps")

        width = d.pop("width")

        height = d.pop("height")

        rotation = d.pop("rotation")

        codec = d.pop("codec")

        colour = ColourTags.from_dict(d.pop("colour"))

        video_facts = cls(
            filename=filename,
            sha256=sha256,
            size_bytes=size_bytes,
            frames=frames,
            fps=fps,
            width=width,
            height=height,
            rotation=rotation,
            codec=codec,
            colour=colour,
        )

        video_facts.additional_properties = d
        return video_facts

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
