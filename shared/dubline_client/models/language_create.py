from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.language_create_model import LanguageCreateModel, check_language_create_model
from ..models.review_rule import ReviewRule, check_review_rule
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.audio_in_bucket import AudioInBucket
    from ..models.audio_ref import AudioRef
    from ..models.audio_url import AudioUrl
    from ..models.language_create_metadata import LanguageCreateMetadata
    from ..models.output import Output
    from ..models.sync_choice import SyncChoice


T = TypeVar("T", bound="LanguageCreate")


@_attrs_define
class LanguageCreate:
    """A language of a title: its sound, and how masters of it are made.

    ``filename`` names its masters, without the suffix: ``{title}``, ``{language}`` and ``{revision}`` are filled in.
    Where a
    ``review`` is ``required``, they are given out, and delivered to ``output``, when they are approved.

        Attributes:
            language (str):
            audio (AudioInBucket | AudioRef | AudioUrl):
            model (LanguageCreateModel | Unset):  Default: 'tiny'.
            sync (SyncChoice | Unset): Sync mode, and how many frames of difference count as none (``strict``).
            seed (int | None | Unset):
            filename (str | Unset):  Default: '{title}_{language}_v{revision}'.
            review (ReviewRule | Unset): Whether masters of a language wait for approval before they are given out.
            output (None | Output | Unset):
            metadata (LanguageCreateMetadata | Unset):
    """

    language: str
    audio: AudioInBucket | AudioRef | AudioUrl
    model: LanguageCreateModel | Unset = "tiny"
    sync: SyncChoice | Unset = UNSET
    seed: int | None | Unset = UNSET
    filename: str | Unset = "{title}_{language}_v{revision}"
    review: ReviewRule | Unset = UNSET
    output: None | Output | Unset = UNSET
    metadata: LanguageCreateMetadata | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.audio_in_bucket import AudioInBucket  # noqa: PLC0415
        from ..models.audio_ref import AudioRef  # noqa: PLC0415
        from ..models.audio_url import AudioUrl  # noqa: PLC0415
        from ..models.language_create_metadata import LanguageCreateMetadata  # noqa: PLC0415
        from ..models.output import Output  # noqa: PLC0415
        from ..models.sync_choice import SyncChoice  # noqa: PLC0415

        language = self.language

        audio: dict[str, Any]
        if isinstance(self.audio, AudioRef):
            audio = self.audio.to_dict()
        elif isinstance(self.audio, AudioUrl):
            audio = self.audio.to_dict()
        else:
            audio = self.audio.to_dict()

        model: str | Unset = UNSET
        if not isinstance(self.model, Unset):
            model = self.model

        sync: dict[str, Any] | Unset = UNSET
        if not isinstance(self.sync, Unset):
            sync = self.sync.to_dict()

        seed: int | None | Unset
        if isinstance(self.seed, Unset):
            seed = UNSET
        else:
            seed = self.seed

        filename = self.filename

        review: str | Unset = UNSET
        if not isinstance(self.review, Unset):
            review = self.review

        output: dict[str, Any] | None | Unset
        if isinstance(self.output, Unset):
            output = UNSET
        elif isinstance(self.output, Output):
            output = self.output.to_dict()
        else:
            output = self.output

        metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metadata, Unset):
            metadata = self.metadata.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "language": language,
                "audio": audio,
            }
        )
        if model is not UNSET:
            field_dict["model"] = model
        if sync is not UNSET:
            field_dict["sync"] = sync
        if seed is not UNSET:
            field_dict["seed"] = seed
        if filename is not UNSET:
            field_dict["filename"] = filename
        if review is not UNSET:
            field_dict["review"] = review
        if output is not UNSET:
            field_dict["output"] = output
        if metadata is not UNSET:
            field_dict["metadata"] = metadata

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.audio_in_bucket import AudioInBucket  # noqa: PLC0415
        from ..models.audio_ref import AudioRef  # noqa: PLC0415
        from ..models.audio_url import AudioUrl  # noqa: PLC0415
        from ..models.language_create_metadata import LanguageCreateMetadata  # noqa: PLC0415
        from ..models.output import Output  # noqa: PLC0415
        from ..models.sync_choice import SyncChoice  # noqa: PLC0415

        d = dict(src_dict)
        language = d.pop("language")

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

        _model = d.pop("model", UNSET)
        model: LanguageCreateModel | Unset
        if isinstance(_model, Unset):
            model = UNSET
        else:
            model = check_language_create_model(_model)

        _sync = d.pop("sync", UNSET)
        sync: SyncChoice | Unset
        if isinstance(_sync, Unset):
            sync = UNSET
        else:
            sync = SyncChoice.from_dict(_sync)

        def _parse_seed(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        seed = _parse_seed(d.pop("seed", UNSET))

        filename = d.pop("filename", UNSET)

        _review = d.pop("review", UNSET)
        review: ReviewRule | Unset
        if isinstance(_review, Unset):
            review = UNSET
        else:
            review = check_review_rule(_review)

        def _parse_output(data: object) -> None | Output | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                output_type_0 = Output.from_dict(data)

                return output_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Output | Unset, data)

        output = _parse_output(d.pop("output", UNSET))

        _metadata = d.pop("metadata", UNSET)
        metadata: LanguageCreateMetadata | Unset
        if isinstance(_metadata, Unset):
            metadata = UNSET
        else:
            metadata = LanguageCreateMetadata.from_dict(_metadata)

        language_create = cls(
            language=language,
            audio=audio,
            model=model,
            sync=sync,
            seed=seed,
            filename=filename,
            review=review,
            output=output,
            metadata=metadata,
        )

        return language_create
