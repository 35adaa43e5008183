from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.deadline_policy import DeadlinePolicy, check_deadline_policy
from ..models.render_create_model_type_0 import RenderCreateModelType0, check_render_create_model_type_0
from ..models.render_create_scope import RenderCreateScope, check_render_create_scope
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.output import Output
    from ..models.time_range import TimeRange


T = TypeVar("T", bound="RenderCreate")


@_attrs_define
class RenderCreate:
    """What of a language to make again.

    What is ``stale``, or ``all``: a master again. ``shots`` (by number) or ``ranges``: other mouths for these shots,
    with
    ``seed`` or one that is drawn; it stays theirs in later revisions. ``model`` and ``output`` replace the language's
    for this
    job.

        Attributes:
            scope (RenderCreateScope | Unset):  Default: 'stale'.
            shots (list[int] | Unset):
            ranges (list[TimeRange] | Unset):
            seed (int | None | Unset):
            model (None | RenderCreateModelType0 | Unset):
            output (None | Output | Unset):
            priority (int | Unset):  Default: 0.
            deadline (datetime.datetime | None | Unset):
            deadline_policy (DeadlinePolicy | Unset): What to do with a deadline that cannot be met: refuse it
                (``require``), or take it for an order of work (``try``).
    """

    scope: RenderCreateScope | Unset = "stale"
    shots: list[int] | Unset = UNSET
    ranges: list[TimeRange] | Unset = UNSET
    seed: int | None | Unset = UNSET
    model: None | RenderCreateModelType0 | Unset = UNSET
    output: None | Output | Unset = UNSET
    priority: int | Unset = 0
    deadline: datetime.datetime | None | Unset = UNSET
    deadline_policy: DeadlinePolicy | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.output import Output  # noqa: PLC0415
        from ..models.time_range import TimeRange  # noqa: PLC0415

        scope: str | Unset = UNSET
        if not isinstance(self.scope, Unset):
            scope = self.scope

        shots: list[int] | Unset = UNSET
        if not isinstance(self.shots, Unset):
            shots = self.shots

        ranges: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.ranges, Unset):
            ranges = []
            for ranges_item_data in self.ranges:
                ranges_item = ranges_item_data.to_dict()
                ranges.append(ranges_item)

        seed: int | None | Unset
        if isinstance(self.seed, Unset):
            seed = UNSET
        else:
            seed = self.seed

        model: None | str | Unset
        if isinstance(self.model, Unset):
            model = UNSET
        elif isinstance(self.model, str):
            model = self.model
        else:
            model = self.model

        output: dict[str, Any] | None | Unset
        if isinstance(self.output, Unset):
            output = UNSET
        elif isinstance(self.output, Output):
            output = self.output.to_dict()
        else:
            output = self.output

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
        if scope is not UNSET:
            field_dict["scope"] = scope
        if shots is not UNSET:
            field_dict["shots"] = shots
        if ranges is not UNSET:
            field_dict["ranges"] = ranges
        if seed is not UNSET:
            field_dict["seed"] = seed
        if model is not UNSET:
            field_dict["model"] = model
        if output is not UNSET:
            field_dict["output"] = output
        if priority is not UNSET:
            field_dict["priority"] = priority
        if deadline is not UNSET:
            field_dict["deadline"] = deadline
        if deadline_policy is not UNSET:
            field_dict["deadline_policy"] = deadline_policy

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.output import Output  # noqa: PLC0415
        from ..models.time_range import TimeRange  # noqa: PLC0415

        d = dict(src_dict)
        _scope = d.pop("scope", UNSET)
        scope: RenderCreateScope | Unset
        if isinstance(_scope, Unset):
            scope = UNSET
        else:
            scope = check_render_create_scope(_scope)

        shots = cast(list[int], d.pop("shots", UNSET))

        _ranges = d.pop("ranges", UNSET)
        ranges: list[TimeRange] | Unset = UNSET
        if _ranges is not UNSET:
            ranges = []
            for ranges_item_data in _ranges:
                ranges_item = TimeRange.from_dict(ranges_item_data)

                ranges.append(ranges_item)

        def _parse_seed(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        seed = _parse_seed(d.pop("seed", UNSET))

        def _parse_model(data: object) -> None | RenderCreateModelType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                model_type_0 = check_render_create_model_type_0(data)

                return model_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RenderCreateModelType0 | Unset, data)

        model = _parse_model(d.pop("model", UNSET))

        def _parse_output(data: object) -> None | Output | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                output_type_0 = Output.from_dict(data)

                return output_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Output | Unset, data)

        output = _parse_output(d.pop("output", UNSET))

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

        render_create = cls(
            scope=scope,
            shots=shots,
            ranges=ranges,
            seed=seed,
            model=model,
            output=output,
            priority=priority,
            deadline=deadline,
            deadline_policy=deadline_policy,
        )

        return render_create
