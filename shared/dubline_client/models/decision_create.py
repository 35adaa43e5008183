from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.review_decision import ReviewDecision, check_review_decision
from ..types import UNSET, Unset

T = TypeVar("T", bound="DecisionCreate")


@_attrs_define
class DecisionCreate:
    """A decision on the language or, with ``shot``, on a shot by its number.

    ``keep_original`` is for shots: the next render leaves them as they were filmed. ``name`` says who decides; guests
    must.

        Attributes:
            decision (ReviewDecision): What can be decided: on the language or on a shot; ``keep_original`` (no mouth of
                ours) on a shot only.
            shot (int | None | Unset):
            note (None | str | Unset):
            name (None | str | Unset):
    """

    decision: ReviewDecision
    shot: int | None | Unset = UNSET
    note: None | str | Unset = UNSET
    name: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        decision: str = self.decision

        shot: int | None | Unset
        if isinstance(self.shot, Unset):
            shot = UNSET
        else:
            shot = self.shot

        note: None | str | Unset
        if isinstance(self.note, Unset):
            note = UNSET
        else:
            note = self.note

        name: None | str | Unset
        if isinstance(self.name, Unset):
            name = UNSET
        else:
            name = self.name

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "decision": decision,
            }
        )
        if shot is not UNSET:
            field_dict["shot"] = shot
        if note is not UNSET:
            field_dict["note"] = note
        if name is not UNSET:
            field_dict["name"] = name

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        decision = check_review_decision(d.pop("decision"))

        def _parse_shot(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        shot = _parse_shot(d.pop("shot", UNSET))

        def _parse_note(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        note = _parse_note(d.pop("note", UNSET))

        def _parse_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        name = _parse_name(d.pop("name", UNSET))

        decision_create = cls(
            decision=decision,
            shot=shot,
            note=note,
            name=name,
        )

        return decision_create
