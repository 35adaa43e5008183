from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.comment_severity import CommentSeverity, check_comment_severity
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.comment_region import CommentRegion
    from ..models.time_range import TimeRange


T = TypeVar("T", bound="CommentCreate")


@_attrs_define
class CommentCreate:
    """What somebody says of a master: of all of it, of a time or a range (``at``), of a part of the picture (``region``).

    ``name`` says who speaks; guests must.

        Attributes:
            text (str):
            severity (CommentSeverity | Unset): ``fyi``: good to know. ``issue``: should be mended. ``blocker``: must be,
                before anything is approved.
            at (float | None | str | TimeRange | Unset):
            region (CommentRegion | None | Unset):
            name (None | str | Unset):
    """

    text: str
    severity: CommentSeverity | Unset = UNSET
    at: float | None | str | TimeRange | Unset = UNSET
    region: CommentRegion | None | Unset = UNSET
    name: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.comment_region import CommentRegion  # noqa: PLC0415
        from ..models.time_range import TimeRange  # noqa: PLC0415

        text = self.text

        severity: str | Unset = UNSET
        if not isinstance(self.severity, Unset):
            severity = self.severity

        at: dict[str, Any] | float | None | str | Unset
        if isinstance(self.at, Unset):
            at = UNSET
        elif isinstance(self.at, TimeRange):
            at = self.at.to_dict()
        else:
            at = self.at

        region: dict[str, Any] | None | Unset
        if isinstance(self.region, Unset):
            region = UNSET
        elif isinstance(self.region, CommentRegion):
            region = self.region.to_dict()
        else:
            region = self.region

        name: None | str | Unset
        if isinstance(self.name, Unset):
            name = UNSET
        else:
            name = self.name

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "text": text,
            }
        )
        if severity is not UNSET:
            field_dict["severity"] = severity
        if at is not UNSET:
            field_dict["at"] = at
        if region is not UNSET:
            field_dict["region"] = region
        if name is not UNSET:
            field_dict["name"] = name

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.comment_region import CommentRegion  # noqa: PLC0415
        from ..models.time_range import TimeRange  # noqa: PLC0415

        d = dict(src_dict)
        text = d.pop("text")

        _severity = d.pop("severity", UNSET)
        severity: CommentSeverity | Unset
        if isinstance(_severity, Unset):
            severity = UNSET
        else:
            severity = check_comment_severity(_severity)

        def _parse_at(data: object) -> float | None | str | TimeRange | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                at_type_0 = TimeRange.from_dict(data)

                return at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(float | None | str | TimeRange | Unset, data)

        at = _parse_at(d.pop("at", UNSET))

        def _parse_region(data: object) -> CommentRegion | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                region_type_0 = CommentRegion.from_dict(data)

                return region_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(CommentRegion | None | Unset, data)

        region = _parse_region(d.pop("region", UNSET))

        def _parse_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        name = _parse_name(d.pop("name", UNSET))

        comment_create = cls(
            text=text,
            severity=severity,
            at=at,
            region=region,
            name=name,
        )

        return comment_create
