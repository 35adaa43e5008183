from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.pixel_check import PixelCheck
    from ..models.sound_check import SoundCheck
    from ..models.witness import Witness


T = TypeVar("T", bound="Witnessed")


@_attrs_define
class Witnessed:
    """The second readings behind a receipt: of the source, of the given sound, and of the master against both.

    Attributes:
        video (None | Witness):
        audio (None | Witness):
        master (Witness): Both readings of one file, and everything in which they differ beyond the tolerance.
        pixels (PixelCheck): Frames of the master beside those of the source, decoded by the second reading.

            Attributes:
                frames: how many were compared: one in each second, and both sides of every cut, hole and edit.
                worst: largest median difference of grey values between the two, 0 to 255.
                worst_frame: the frame that it was found in.
        sound (SoundCheck): Samples of the master beside those of the given sound, decoded by the second reading.

            Attributes:
                samples: how many were compared, for each channel.
                worst: largest difference, full scale 1.
                exact: True when every sample is the same.
    """

    video: None | Witness
    audio: None | Witness
    master: Witness
    pixels: PixelCheck
    sound: SoundCheck
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.pixel_check import PixelCheck  # noqa: PLC0415
        from ..models.sound_check import SoundCheck  # noqa: PLC0415
        from ..models.witness import Witness  # noqa: PLC0415

        video: dict[str, Any] | None
        if isinstance(self.video, Witness):
            video = self.video.to_dict()
        else:
            video = self.video

        audio: dict[str, Any] | None
        if isinstance(self.audio, Witness):
            audio = self.audio.to_dict()
        else:
            audio = self.audio

        master = self.master.to_dict()

        pixels = self.pixels.to_dict()

        sound = self.sound.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "video": video,
                "audio": audio,
                "master": master,
                "pixels": pixels,
                "sound": sound,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.pixel_check import PixelCheck  # noqa: PLC0415
        from ..models.sound_check import SoundCheck  # noqa: PLC0415
        from ..models.witness import Witness  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_video(data: object) -> None | Witness:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                video_type_0 = Witness.from_dict(data)

                return video_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Witness, data)

        video = _parse_video(d.pop("video"))

        def _parse_audio(data: object) -> None | Witness:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                audio_type_0 = Witness.from_dict(data)

                return audio_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Witness, data)

        audio = _parse_audio(d.pop("audio"))

        master = Witness.from_dict(d.pop("master"))

        pixels = PixelCheck.from_dict(d.pop("pixels"))

        sound = SoundCheck.from_dict(d.pop("sound"))

        witnessed = cls(
            video=video,
            audio=audio,
            master=master,
            pixels=pixels,
            sound=sound,
        )

        witnessed.additional_properties = d
        return witnessed

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
