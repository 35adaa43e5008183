from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.analysis_state import AnalysisState
    from ..models.language_state import LanguageState
    from ..models.title_out_metadata import TitleOutMetadata


T = TypeVar("T", bound="TitleOut")


@_attrs_define
class TitleOut:
    """A title. ``version`` is its ETag's, and grows with every change.

    Attributes:
        id (str):
        name (str):
        external_id (None | str):
        video (str):
        analysis (AnalysisState): Where the analysis of a title's picture stands, and the job that makes it.
        languages (list[LanguageState]):
        metadata (TitleOutMetadata):
        version (int):
        created_at (datetime.datetime):
        updated_at (datetime.datetime):
    """

    id: str
    name: str
    external_id: None | str
    video: str
    analysis: AnalysisState
    languages: list[LanguageState]
    metadata: TitleOutMetadata
    version: int
    created_at: datetime.datetime
    updated_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.analysis_state import AnalysisState  # noqa: PLC0415
        from ..models.language_state import LanguageState  # noqa: PLC0415
        from ..models.title_out_metadata import TitleOutMetadata  # noqa: PLC0415

        id = self.id

        name = self.name

        external_id: None | str
        external_id = self.external_id

        video = self.video

        analysis = self.analysis.to_dict()

        languages = []
        for languages_item_data in self.languages:
            languages_item = languages_item_data.to_dict()
            languages.append(languages_item)

        metadata = self.metadata.to_dict()

        version = self.version

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "name": name,
                "external_id": external_id,
                "video": video,
                "analysis": analysis,
                "languages": languages,
                "metadata": metadata,
                "version": version,
                "created_at": created_at,
                "updated_at": updated_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.analysis_state import AnalysisState  # noqa: PLC0415
        from ..models.language_state import LanguageState  # noqa: PLC0415
        from ..models.title_out_metadata import TitleOutMetadata  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        name = d.pop("name")

        def _parse_external_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        external_id = _parse_external_id(d.pop("external_id"))

        video = d.pop("video")

        analysis = AnalysisState.from_dict(d.pop("analysis"))

        languages = []
        _languages = d.pop("languages")
        for languages_item_data in _languages:
            languages_item = LanguageState.from_dict(languages_item_data)

            languages.append(languages_item)

        metadata = TitleOutMetadata.from_dict(d.pop("metadata"))

        version = d.pop("version")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        title_out = cls(
            id=id,
            name=name,
            external_id=external_id,
            video=video,
            analysis=analysis,
            languages=languages,
            metadata=metadata,
            version=version,
            created_at=created_at,
            updated_at=updated_at,
        )

        title_out.additional_properties = d
        return title_out

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
