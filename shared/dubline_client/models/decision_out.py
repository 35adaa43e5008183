from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.review_decision import ReviewDecision, check_review_decision
from ..types import UNSET, Unset

T = TypeVar("T", bound="DecisionOut")


@_attrs_define
class DecisionOut:
    """What was decided last on the language (``shot`` is null) or on a shot.

    ``by`` is a key, ``key:`` and its id, or a guest, ``guest:`` and the id of the link.

        Attributes:
            decision (ReviewDecision): What can be decided: on the language or on a shot; ``keep_original`` (no mouth of
                ours) on a shot only.
            shot (int | None):
            note (None | str):
            by (str):
            name (None | str):
            at (datetime.datetime):
    """

    decision: ReviewDecision
    shot: int | None
    note: None | str
    by: str
    name: None | str
    at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        decision: str = self.decision

        shot: int | None
        shot = self.shot

        note: None | str
        note = self.note

        by = self.by

        name: None | str
        name = self.name

        at = self.at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "decision": decision,
                "shot": shot,
                "note": note,
                "by": by,
                "name": name,
                "at": at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        decision = check_review_decision(d.pop("decision"))

        def _parse_shot(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        shot = _parse_shot(d.pop("shot"))

        def _parse_note(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        note = _parse_note(d.pop("note"))

        by = d.pop("by")

        def _parse_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        name = _parse_name(d.pop("name"))

        at = datetime.datetime.fromisoformat(d.pop("at"))

        decision_out = cls(
            decision=decision,
            shot=shot,
            note=note,
            by=by,
            name=name,
            at=at,
        )

        decision_out.additional_properties = d
        return decision_out

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
