from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.review_rule import ReviewRule, check_review_rule
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.language_change_metadata_type_0 import LanguageChangeMetadataType0


T = TypeVar("T", bound="LanguageChange")


@_attrs_define
class LanguageChange:
    """What is to change of a language; members that are left out stay.

    Attributes:
        filename (None | str | Unset):
        review (None | ReviewRule | Unset):
        metadata (LanguageChangeMetadataType0 | None | Unset):
    """

    filename: None | str | Unset = UNSET
    review: None | ReviewRule | Unset = UNSET
    metadata: LanguageChangeMetadataType0 | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.language_change_metadata_type_0 import LanguageChangeMetadataType0  # noqa: PLC0415

        filename: None | str | Unset
        if isinstance(self.filename, Unset):
            filename = UNSET
        else:
            filename = self.filename

        review: None | str | Unset
        if isinstance(self.review, Unset):
            review = UNSET
        elif isinstance(self.review, str):
            review = self.review
        else:
            review = self.review

        metadata: dict[str, Any] | None | Unset
        if isinstance(self.metadata, Unset):
            metadata = UNSET
        elif isinstance(self.metadata, LanguageChangeMetadataType0):
            metadata = self.metadata.to_dict()
        else:
            metadata = self.metadata

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if filename is not UNSET:
            field_dict["filename"] = filename
        if review is not UNSET:
            field_dict["review"] = review
        if metadata is not UNSET:
            field_dict["metadata"] = metadata

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.language_change_metadata_type_0 import LanguageChangeMetadataType0  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_filename(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        filename = _parse_filename(d.pop("filename", UNSET))

        def _parse_review(data: object) -> None | ReviewRule | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                review_type_0 = check_review_rule(data)

                return review_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ReviewRule | Unset, data)

        review = _parse_review(d.pop("review", UNSET))

        def _parse_metadata(data: object) -> LanguageChangeMetadataType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                metadata_type_0 = LanguageChangeMetadataType0.from_dict(data)

                return metadata_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(LanguageChangeMetadataType0 | None | Unset, data)

        metadata = _parse_metadata(d.pop("metadata", UNSET))

        language_change = cls(
            filename=filename,
            review=review,
            metadata=metadata,
        )

        return language_change
