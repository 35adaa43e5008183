from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.deadline_policy import DeadlinePolicy, check_deadline_policy
from ..types import UNSET, Unset

T = TypeVar("T", bound="Urgency")


@_attrs_define
class Urgency:
    """How urgent a job is to be; what is left out stays. ``deadline_policy`` is about the deadline that is sent with it.

    Attributes:
        priority (int | Unset):  Default: 0.
        deadline (datetime.datetime | None | Unset):
        deadline_policy (DeadlinePolicy | Unset): What to do with a deadline that cannot be met: refuse it
            (``require``), or take it for an order of work (``try``).
    """

    priority: int | Unset = 0
    deadline: datetime.datetime | None | Unset = UNSET
    deadline_policy: DeadlinePolicy | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        priority = self.priority

        deadline: None | str | Unset
        if isinstance(self.deadline, Unset):
            deadline = UNSET
        elif isinstance(self.deadline, datetime.datetime):
            deadline = self.deadline.isoformat()
        else:
            deadline = self.deadline

        deadline_policy: str | Unset = UNSET
        if not isinstance(self.deadline_policy, Unset):
            deadline_policy = self.deadline_policy

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if priority is not UNSET:
            field_dict["priority"] = priority
        if deadline is not UNSET:
            field_dict["deadline"] = deadline
        if deadline_policy is not UNSET:
            field_dict["deadline_policy"] = deadline_policy

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        priority = d.pop("priority", UNSET)

        def _parse_deadline(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                deadline_type_0 = datetime.datetime.fromisoformat(data)

                return deadline_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        deadline = _parse_deadline(d.pop("deadline", UNSET))

        _deadline_policy = d.pop("deadline_policy", UNSET)
        deadline_policy: DeadlinePolicy | Unset
        if isinstance(_deadline_policy, Unset):
            deadline_policy = UNSET
        else:
            deadline_policy = check_deadline_policy(_deadline_policy)

        urgency = cls(
            priority=priority,
            deadline=deadline,
            deadline_policy=deadline_policy,
        )

        return urgency
