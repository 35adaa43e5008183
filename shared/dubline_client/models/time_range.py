from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="TimeRange")


@_attrs_define
class TimeRange:
    """A part of the picture: from ``start`` up to, not including, ``end``.

    Either is a time code, counted from 00:00:00:00, or seconds from the first frame.

        Attributes:
            start (float | str):
            end (float | str):
    """

    start: float | str
    end: float | str

    def to_dict(self) -> dict[str, Any]:
        start: float | str
        start = self.start

        end: float | str
        end = self.end

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "start": start,
                "end": end,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_start(data: object) -> float | str:
            return cast(float | str, data)

        start = _parse_start(d.pop("start"))

        def _parse_end(data: object) -> float | str:
            return cast(float | str, data)

        end = _parse_end(d.pop("end"))

        time_range = cls(
            start=start,
            end=end,
        )

        return time_range
