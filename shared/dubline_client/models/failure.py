from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.failure_media import FailureMedia
    from ..models.failure_where import FailureWhere


T = TypeVar("T", bound="Failure")


@_attrs_define
class Failure:
    """Why work failed: the members of an RFC 9457 problem. ``code`` is stable; texts are for people and may change.

    Attributes:
        type_ (str):
        title (str):
        status (int):
        detail (str):
        instance (str):
        code (str):
        retryable (bool):  Default: False.
        where (FailureWhere):
        suggestions (list[str]):
        media (FailureMedia):
    """

    type_: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    where: FailureWhere
    suggestions: list[str]
    media: FailureMedia
    retryable: bool = False
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.failure_media import FailureMedia  # noqa: PLC0415
        from ..models.failure_where import FailureWhere  # noqa: PLC0415

        type_ = self.type_

        title = self.title

        status = self.status

        detail = self.detail

        instance = self.instance

        code = self.code

        retryable = self.retryable

        where = self.where.to_dict()

        suggestions = self.suggestions

        media = self.media.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
                "title": title,
                "status": status,
                "detail": detail,
                "instance": instance,
                "code": code,
                "retryable": retryable,
                "where": where,
                "suggestions": suggestions,
                "media": media,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.failure_media import FailureMedia  # noqa: PLC0415
        from ..models.failure_where import FailureWhere  # noqa: PLC0415

        d = dict(src_dict)
        type_ = d.pop("type")

        title = d.pop("title")

        status = d.pop("status")

        detail = d.pop("detail")

        instance = d.pop("instance")

        code = d.pop("code")

        retryable = d.pop("retryable")

        where = FailureWhere.from_dict(d.pop("where"))

        suggestions = cast(list[str], d.pop("suggestions"))

        media = FailureMedia.from_dict(d.pop("media"))

        failure = cls(
            type_=type_,
            title=title,
            status=status,
            detail=detail,
            instance=instance,
            code=code,
            retryable=retryable,
            where=where,
            suggestions=suggestions,
            media=media,
        )

        failure.additional_properties = d
        return failure

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
