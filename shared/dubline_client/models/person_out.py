from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.person_out_status import PersonOutStatus, check_person_out_status
from ..models.role import Role, check_role
from ..models.role_source import RoleSource, check_role_source
from ..types import UNSET, Unset

T = TypeVar("T", bound="PersonOut")


@_attrs_define
class PersonOut:
    """Somebody in the organisation: ``issuer`` and ``subject`` say who, as their access tokens do.

    ``role_from`` is who gave the role: the ``provider``, whose word is final, or the ``organisation``. ``last_seen_at``
    is
    exact to a minute.

        Attributes:
            id (str):
            name (None | str):
            email (None | str):
            issuer (str):
            subject (str):
            role (None | Role):
            role_from (None | RoleSource):
            status (PersonOutStatus):
            created_at (datetime.datetime):
            last_seen_at (datetime.datetime | None):
            disabled_at (datetime.datetime | None):
    """

    id: str
    name: None | str
    email: None | str
    issuer: str
    subject: str
    role: None | Role
    role_from: None | RoleSource
    status: PersonOutStatus
    created_at: datetime.datetime
    last_seen_at: datetime.datetime | None
    disabled_at: datetime.datetime | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        name: None | str
        name = self.name

        email: None | str
        email = self.email

        issuer = self.issuer

        subject = self.subject

        role: None | str
        if isinstance(self.role, str):
            role = self.role
        else:
            role = self.role

        role_from: None | str
        if isinstance(self.role_from, str):
            role_from = self.role_from
        else:
            role_from = self.role_from

        status: str = self.status

        created_at = self.created_at.isoformat()

        last_seen_at: None | str
        if isinstance(self.last_seen_at, datetime.datetime):
            last_seen_at = self.last_seen_at.isoformat()
        else:
            last_seen_at = self.last_seen_at

        disabled_at: None | str
        if isinstance(self.disabled_at, datetime.datetime):
            disabled_at = self.disabled_at.isoformat()
        else:
            disabled_at = self.disabled_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "name": name,
                "email": email,
                "issuer": issuer,
                "subject": subject,
                "role": role,
                "role_from": role_from,
                "status": status,
                "created_at": created_at,
                "last_seen_at": last_seen_at,
                "disabled_at": disabled_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        def _parse_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        name = _parse_name(d.pop("name"))

        def _parse_email(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        email = _parse_email(d.pop("email"))

        issuer = d.pop("issuer")

        subject = d.pop("subject")

        def _parse_role(data: object) -> None | Role:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                role_type_0 = check_role(data)

                return role_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Role, data)

        role = _parse_role(d.pop("role"))

        def _parse_role_from(data: object) -> None | RoleSource:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                role_from_type_0 = check_role_source(data)

                return role_from_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RoleSource, data)

        role_from = _parse_role_from(d.pop("role_from"))

        status = check_person_out_status(d.pop("status"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_last_seen_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_seen_at_type_0 = datetime.datetime.fromisoformat(data)

                return last_seen_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        last_seen_at = _parse_last_seen_at(d.pop("last_seen_at"))

        def _parse_disabled_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                disabled_at_type_0 = datetime.datetime.fromisoformat(data)

                return disabled_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        disabled_at = _parse_disabled_at(d.pop("disabled_at"))

        person_out = cls(
            id=id,
            name=name,
            email=email,
            issuer=issuer,
            subject=subject,
            role=role,
            role_from=role_from,
            status=status,
            created_at=created_at,
            last_seen_at=last_seen_at,
            disabled_at=disabled_at,
        )

        person_out.additional_properties = d
        return person_out

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
