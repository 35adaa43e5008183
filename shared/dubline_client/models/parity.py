from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.colour_tags import ColourTags


T = TypeVar("T", bound="Parity")


@_attrs_define
class Parity:
    """The promises that were held against the source, all measured on the finished file by the second reading.

    A receipt exists only if all hold. ``audio_start`` and ``video_start`` are seconds of the programme.

        Attributes:
            frames_in (int):
            frames_out (int):
            fps (str):
            variable_rate (bool):
            width (int):
            height (int):
            rotation (int):
            mirrored (bool):  Default: False.
            sample_aspect_ratio (str):
            colour (ColourTags): Colour description as ffmpeg names it (ITU-T H.273); None where the file says nothing.
            samples_in (int):
            samples_out (int):
            sample_rate (int):
            channels (int):
            audio_start (str):
            video_start (str):  Default: '0'.
    """

    frames_in: int
    frames_out: int
    fps: str
    variable_rate: bool
    width: int
    height: int
    rotation: int
    sample_aspect_ratio: str
    colour: ColourTags
    samples_in: int
    samples_out: int
    sample_rate: int
    channels: int
    audio_start: str
    mirrored: bool = False
    video_start: str = "0"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.colour_tags import ColourTags  # noqa: PLC0415

        frames_in = self.frames_in

        frames_out = self.frames_out

        fps = self.fps

        variable_rate = self.variable_rate

        width = self.width

        height = self.height

        rotation = self.rotation

        mirrored = self.mirrored

        sample_aspect_ratio = self.sample_aspect_ratio

        colour = self.colour.to_dict()

        samples_in = self.samples_in

        samples_out = self.samples_out

        sample_rate = self.sample_rate

        channels = self.channels

        audio_start = self.audio_start

        video_start = self.video_start

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "frames_in": frames_in,
                "frames_out": frames_out,
                "fps": fps,
                "variable_rate": variable_rate,
                "width": width,
                "height": height,
                "rotation": rotation,
                "mirrored": mirrored,
                "sample_aspect_ratio": sample_aspect_ratio,
                "colour": colour,
                "samples_in": samples_in,
                "samples_out": samples_out,
                "sample_rate": sample_rate,
                "channels": channels,
                "audio_start": audio_start,
                "video_start": video_start,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.colour_tags import ColourTags  # noqa: PLC0415

        d = dict(src_dict)
        frames_in = d.pop("frames_in")

        frames_out = d.pop("frames_out")

        fps = d.pop("fps")

        variable_rate = d.pop("variable_rate")

        width = d.pop("width")

        height = d.pop("height")

        rotation = d.pop("rotation")

        mirrored = d.pop("mirrored")

        sample_aspect_ratio = d.pop("sample_aspect_ratio")

        colour = ColourTags.from_dict(d.pop("colour"))

        samples_in = d.pop("samples_in")

        samples_out = d.pop("samples_out")

        sample_rate = d.pop("sample_rate")

        channels = d.pop("channels")

        audio_start = d.pop("audio_start")

        video_start = d.pop("video_start")

        parity = cls(
            frames_in=frames_in,
            frames_out=frames_out,
            fps=fps,
            variable_rate=variable_rate,
            width=width,
            height=height,
            rotation=rotation,
            mirrored=mirrored,
            sample_aspect_ratio=sample_aspect_ratio,
            colour=colour,
            samples_in=samples_in,
            samples_out=samples_out,
            sample_rate=sample_rate,
            channels=channels,
            audio_start=audio_start,
            video_start=video_start,
        )

        parity.additional_properties = d
        return parity

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
