from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="ConnectionCreate")


@_attrs_define
class ConnectionCreate:
    """A bucket of yours, and the key that may read and write there. ``prefix`` keeps the platform inside one folder.

    Attributes:
        name (str):
        endpoint (str):
        bucket (str):
        access_key (str):
        secret_key (str):
        region (str | Unset):  Default: 'us-east-1'.
        prefix (str | Unset):  Default: ''.
    """

    name: str
    endpoint: str
    bucket: str
    access_key: str
    secret_key: str
    region: str | Unset = "us-east-1"
    prefix: str | Unset = ""

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        endpoint = self.endpoint

        bucket = self.bucket

        access_key = self.access_key

        secret_key = self.secret_key

        region = self.region

        prefix = self.prefix

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "endpoint": endpoint,
                "bucket": bucket,
                "access_key": access_key,
                "secret_key": secret_key,
            }
        )
        if region is not UNSET:
            field_dict["region"] = region
        if prefix is not UNSET:
            field_dict["prefix"] = prefix

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        endpoint = d.pop("endpoint")

        bucket = d.pop("bucket")

        access_key = d.pop("access_key")

        secret_key = d.pop("secret_key")

        region = d.pop("region", UNSET)

        prefix = d.pop("prefix", UNSET)

        connection_create = cls(
            name=name,
            endpoint=endpoint,
            bucket=bucket,
            access_key=access_key,
            secret_key=secret_key,
            region=region,
            prefix=prefix,
        )

        return connection_create
