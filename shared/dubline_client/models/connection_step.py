from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.connection_step_step import ConnectionStepStep, check_connection_step_step
from ..types import UNSET, Unset

T = TypeVar("T", bound="ConnectionStep")


@_attrs_define
class ConnectionStep:
    """One thing that was tried; ``ok`` is null where it could not be, ``detail`` and ``suggestion`` tell of what failed.

    Attributes:
        step (ConnectionStepStep):
        ok (bool | None):
        detail (None | str):
        suggestion (None | str):
    """

    step: ConnectionStepStep
    ok: bool | None
    detail: None | str
    suggestion: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        step: str = self.step

        ok: bool | None
        ok = self.ok

        detail: None | str
        detail = self.detail

        suggestion: None | str
        suggestion = self.suggestion

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "step": step,
                "ok": ok,
                "detail": detail,
                "suggestion": suggestion,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        step = check_connection_step_step(d.pop("step"))

        def _parse_ok(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        ok = _parse_ok(d.pop("ok"))

        def _parse_detail(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        detail = _parse_detail(d.pop("detail"))

        def _parse_suggestion(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        suggestion = _parse_suggestion(d.pop("suggestion"))

        connection_step = cls(
            step=step,
            ok=ok,
            detail=detail,
            suggestion=suggestion,
        )

        connection_step.additional_properties = d
        return connection_step

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
