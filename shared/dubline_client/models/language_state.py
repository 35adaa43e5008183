from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.language_status import LanguageStatus, check_language_status
from ..types import UNSET, Unset

T = TypeVar("T", bound="LanguageState")


@_attrs_define
class LanguageState:
    """One language of a title, in short.

    Attributes:
        language (str):
        status (LanguageStatus): Where one language of a title stands.

            ``stale``: its last master is of an earlier revision of its sound. From ``in_review`` on: the master's review
            says so.
        revision (int):
    """

    language: str
    status: LanguageStatus
    revision: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        language = self.language

        status: str = self.status

        revision = self.revision

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "language": language,
                "status": status,
                "revision": revision,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        language = d.pop("language")

        status = check_language_status(d.pop("status"))

        revision = d.pop("revision")

        language_state = cls(
            language=language,
            status=status,
            revision=revision,
        )

        language_state.additional_properties = d
        return language_state

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
