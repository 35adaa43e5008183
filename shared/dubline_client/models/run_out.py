from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.run_state import RunState, check_run_state
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.failure import Failure
    from ..models.run_out_facts import RunOutFacts
    from ..models.run_out_metrics_type_0 import RunOutMetricsType0
    from ..models.run_out_settings import RunOutSettings


T = TypeVar("T", bound="RunOut")


@_attrs_define
class RunOut:
    """A training run. ``metrics`` are the newest; ``facts`` say what it is made of (data digest, git revisions,
    parameters).

        Attributes:
            id (str):
            status (RunState): Where a run stands: ``queued`` -> ``running`` -> ``succeeded`` | ``failed``, or by
                ``stopping`` to ``stopped``.
            recipe (str):
            settings (RunOutSettings):
            processes (int):
            step (int):
            steps (int):
            metrics (None | RunOutMetricsType0):
            checkpoint_step (int | None):
            sample (None | str):
            facts (RunOutFacts):
            version (int | None):
            stuck (bool):
            error (Failure | None):
            created_at (datetime.datetime):
            started_at (datetime.datetime | None):
            finished_at (datetime.datetime | None):
            heartbeat_at (datetime.datetime | None):
    """

    id: str
    status: RunState
    recipe: str
    settings: RunOutSettings
    processes: int
    step: int
    steps: int
    metrics: None | RunOutMetricsType0
    checkpoint_step: int | None
    sample: None | str
    facts: RunOutFacts
    version: int | None
    stuck: bool
    error: Failure | None
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None
    heartbeat_at: datetime.datetime | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.failure import Failure  # noqa: PLC0415
        from ..models.run_out_facts import RunOutFacts  # noqa: PLC0415
        from ..models.run_out_metrics_type_0 import RunOutMetricsType0  # noqa: PLC0415
        from ..models.run_out_settings import RunOutSettings  # noqa: PLC0415

        id = self.id

        status: str = self.status

        recipe = self.recipe

        settings = self.settings.to_dict()

        processes = self.processes

        step = self.step

        steps = self.steps

        metrics: dict[str, Any] | None
        if isinstance(self.metrics, RunOutMetricsType0):
            metrics = self.metrics.to_dict()
        else:
            metrics = self.metrics

        checkpoint_step: int | None
        checkpoint_step = self.checkpoint_step

        sample: None | str
        sample = self.sample

        facts = self.facts.to_dict()

        version: int | None
        version = self.version

        stuck = self.stuck

        error: dict[str, Any] | None
        if isinstance(self.error, Failure):
            error = self.error.to_dict()
        else:
            error = self.error

        created_at = self.created_at.isoformat()

        started_at: None | str
        if isinstance(self.started_at, datetime.datetime):
            started_at = self.started_at.isoformat()
        else:
            started_at = self.started_at

        finished_at: None | str
        if isinstance(self.finished_at, datetime.datetime):
            finished_at = self.finished_at.isoformat()
        else:
            finished_at = self.finished_at

        heartbeat_at: None | str
        if isinstance(self.heartbeat_at, datetime.datetime):
            heartbeat_at = self.heartbeat_at.isoformat()
        else:
            heartbeat_at = self.heartbeat_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "status": status,
                "recipe": recipe,
                "settings": settings,
                "processes": processes,
                "step": step,
                "steps": steps,
                "metrics": metrics,
                "checkpoint_step": checkpoint_step,
                "sample": sample,
                "facts": facts,
                "version": version,
                "stuck": stuck,
                "error": error,
                "created_at": created_at,
                "started_at": started_at,
                "finished_at": finished_at,
                "heartbeat_at": heartbeat_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.failure import Failure  # noqa: PLC0415
        from ..models.run_out_facts import RunOutFacts  # noqa: PLC0415
        from ..models.run_out_metrics_type_0 import RunOutMetricsType0  # noqa: PLC0415
        from ..models.run_out_settings import RunOutSettings  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        status = check_run_state(d.pop("status"))

        recipe = d.pop("recipe")

        settings = RunOutSettings.from_dict(d.pop("settings"))

        processes = d.pop("processes")

        step = d.pop("step")

        steps = d.pop("steps")

        def _parse_metrics(data: object) -> None | RunOutMetricsType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                metrics_type_0 = RunOutMetricsType0.from_dict(data)

                return metrics_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RunOutMetricsType0, data)

        metrics = _parse_metrics(d.pop("metrics"))

        def _parse_checkpoint_step(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        checkpoint_step = _parse_checkpoint_step(d.pop("checkpoint_step"))

        def _parse_sample(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        sample = _parse_sample(d.pop("sample"))

        facts = RunOutFacts.from_dict(d.pop("facts"))

        def _parse_version(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        version = _parse_version(d.pop("version"))

        stuck = d.pop("stuck")

        def _parse_error(data: object) -> Failure | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                error_type_0 = Failure.from_dict(data)

                return error_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Failure | None, data)

        error = _parse_error(d.pop("error"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_started_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                started_at_type_0 = datetime.datetime.fromisoformat(data)

                return started_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        started_at = _parse_started_at(d.pop("started_at"))

        def _parse_finished_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                finished_at_type_0 = datetime.datetime.fromisoformat(data)

                return finished_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        finished_at = _parse_finished_at(d.pop("finished_at"))

        def _parse_heartbeat_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                heartbeat_at_type_0 = datetime.datetime.fromisoformat(data)

                return heartbeat_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        heartbeat_at = _parse_heartbeat_at(d.pop("heartbeat_at"))

        run_out = cls(
            id=id,
            status=status,
            recipe=recipe,
            settings=settings,
            processes=processes,
            step=step,
            steps=steps,
            metrics=metrics,
            checkpoint_step=checkpoint_step,
            sample=sample,
            facts=facts,
            version=version,
            stuck=stuck,
            error=error,
            created_at=created_at,
            started_at=started_at,
            finished_at=finished_at,
            heartbeat_at=heartbeat_at,
        )

        run_out.additional_properties = d
        return run_out

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
