from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="PlannedCost")


@_attrs_define
class PlannedCost:
    """Seconds from now to its end, behind what is served before it; those of the models, which are what it costs.

    Attributes:
        seconds (float):
        gpu_seconds (float):
        finish_at (datetime.datetime):
    """

    seconds: float
    gpu_seconds: float
    finish_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        seconds = self.seconds

        gpu_seconds = self.gpu_seconds

        finish_at = self.finish_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "seconds": seconds,
                "gpu_seconds": gpu_seconds,
                "finish_at": finish_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        seconds = d.pop("seconds")

        gpu_seconds = d.pop("gpu_seconds")

        finish_at = datetime.datetime.fromisoformat(d.pop("finish_at"))

        planned_cost = cls(
            seconds=seconds,
            gpu_seconds=gpu_seconds,
            finish_at=finish_at,
        )

        planned_cost.additional_properties = d
        return planned_cost

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
