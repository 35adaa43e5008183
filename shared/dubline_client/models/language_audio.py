from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.audio_in_bucket import AudioInBucket
    from ..models.audio_ref import AudioRef
    from ..models.audio_url import AudioUrl


T = TypeVar("T", bound="LanguageAudio")


@_attrs_define
class LanguageAudio:
    """The new sound of a language.

    Attributes:
        audio (AudioInBucket | AudioRef | AudioUrl):
    """

    audio: AudioInBucket | AudioRef | AudioUrl

    def to_dict(self) -> dict[str, Any]:
        from ..models.audio_in_bucket import AudioInBucket  # noqa: PLC0415
        from ..models.audio_ref import AudioRef  # noqa: PLC0415
        from ..models.audio_url import AudioUrl  # noqa: PLC0415

        audio: dict[str, Any]
        if isinstance(self.audio, AudioRef):
            audio = self.audio.to_dict()
        elif isinstance(self.audio, AudioUrl):
            audio = self.audio.to_dict()
        else:
            audio = self.audio.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "audio": audio,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.audio_in_bucket import AudioInBucket  # noqa: PLC0415
        from ..models.audio_ref import AudioRef  # noqa: PLC0415
        from ..models.audio_url import AudioUrl  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_audio(data: object) -> AudioInBucket | AudioRef | AudioUrl:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                audio_type_0 = AudioRef.from_dict(data)

                return audio_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                audio_type_1 = AudioUrl.from_dict(data)

                return audio_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            audio_type_2 = AudioInBucket.from_dict(data)

            return audio_type_2

        audio = _parse_audio(d.pop("audio"))

        language_audio = cls(
            audio=audio,
        )

        return language_audio
