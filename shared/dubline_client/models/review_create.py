from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="ReviewCreate")


@_attrs_define
class ReviewCreate:
    """Whose last master is to be reviewed.

    Attributes:
        title (str):
        language (str):
    """

    title: str
    language: str

    def to_dict(self) -> dict[str, Any]:
        title = self.title

        language = self.language

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "title": title,
                "language": language,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        title = d.pop("title")

        language = d.pop("language")

        review_create = cls(
            title=title,
            language=language,
        )

        return review_create
