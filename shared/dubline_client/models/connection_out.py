from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="ConnectionOut")


@_attrs_define
class ConnectionOut:
    """A connection to a bucket. Its secret is never shown; ``rotated_at`` is when it was replaced last.

    Attributes:
        id (str):
        name (str):
        endpoint (str):
        region (str):
        bucket (str):
        prefix (str):
        access_key (str):
        created_at (datetime.datetime):
        rotated_at (datetime.datetime | None):
    """

    id: str
    name: str
    endpoint: str
    region: str
    bucket: str
    prefix: str
    access_key: str
    created_at: datetime.datetime
    rotated_at: datetime.datetime | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        name = self.name

        endpoint = self.endpoint

        region = self.region

        bucket = self.bucket

        prefix = self.prefix

        access_key = self.access_key

        created_at = self.created_at.isoformat()

        rotated_at: None | str
        if isinstance(self.rotated_at, datetime.datetime):
            rotated_at = self.rotated_at.isoformat()
        else:
            rotated_at = self.rotated_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "name": name,
                "endpoint": endpoint,
                "region": region,
                "bucket": bucket,
                "prefix": prefix,
                "access_key": access_key,
                "created_at": created_at,
                "rotated_at": rotated_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        name = d.pop("name")

        endpoint = d.pop("endpoint")

        region = d.pop("region")

        bucket = d.pop("bucket")

        prefix = d.pop("prefix")

        access_key = d.pop("access_key")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_rotated_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                rotated_at_type_0 = datetime.datetime.fromisoformat(data)

                return rotated_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        rotated_at = _parse_rotated_at(d.pop("rotated_at"))

        connection_out = cls(
            id=id,
            name=name,
            endpoint=endpoint,
            region=region,
            bucket=bucket,
            prefix=prefix,
            access_key=access_key,
            created_at=created_at,
            rotated_at=rotated_at,
        )

        connection_out.additional_properties = d
        return connection_out

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
