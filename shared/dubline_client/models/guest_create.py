from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.guest_right import GuestRight, check_guest_right
from ..types import UNSET, Unset

T = TypeVar("T", bound="GuestCreate")


@_attrs_define
class GuestCreate:
    """A link to the reviews of one language: who it is for, what it lets its holder do, and when it ends (in a week).

    Attributes:
        title (str):
        language (str):
        name (str):
        may (GuestRight | Unset): What a guest may do; each includes those before it.
        expires_at (datetime.datetime | None | Unset):
    """

    title: str
    language: str
    name: str
    may: GuestRight | Unset = UNSET
    expires_at: datetime.datetime | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        title = self.title

        language = self.language

        name = self.name

        may: str | Unset = UNSET
        if not isinstance(self.may, Unset):
            may = self.may

        expires_at: None | str | Unset
        if isinstance(self.expires_at, Unset):
            expires_at = UNSET
        elif isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "title": title,
                "language": language,
                "name": name,
            }
        )
        if may is not UNSET:
            field_dict["may"] = may
        if expires_at is not UNSET:
            field_dict["expires_at"] = expires_at

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        title = d.pop("title")

        language = d.pop("language")

        name = d.pop("name")

        _may = d.pop("may", UNSET)
        may: GuestRight | Unset
        if isinstance(_may, Unset):
            may = UNSET
        else:
            may = check_guest_right(_may)

        def _parse_expires_at(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                expires_at_type_0 = datetime.datetime.fromisoformat(data)

                return expires_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        expires_at = _parse_expires_at(d.pop("expires_at", UNSET))

        guest_create = cls(
            title=title,
            language=language,
            name=name,
            may=may,
            expires_at=expires_at,
        )

        return guest_create
