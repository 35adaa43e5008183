from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.job_state import JobState, check_job_state
from ..models.phase import Phase, check_phase
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.failure import Failure
    from ..models.finding import Finding
    from ..models.job_out_metadata import JobOutMetadata
    from ..models.links import Links
    from ..models.master_delivered import MasterDelivered
    from ..models.model_out import ModelOut
    from ..models.progress import Progress
    from ..models.sync import Sync


T = TypeVar("T", bound="JobOut")


@_attrs_define
class JobOut:
    """A job.

    One that renders a language of a title names both, and the revision of the language's sound. One that analyses a
    title has
    neither track nor model, and ends after the phase ``analyzing``. ``copy_of`` is the job that it tries again or
    promotes.
    ``estimated_start_at`` and ``estimated_finish_at`` are null when the job has ended, and while nobody serves its
    queue.

        Attributes:
            id (str):
            title (None | str):
            title_name (None | str):
            language (None | str):
            revision (int | None):
            status (JobState): Where a job stands. ``queued`` -> ``running`` -> one of the terminal states, or through
                ``canceling`` to ``canceled``.
            phase (Phase): What a running job is busy with, in order. ``verifying`` is announced by the stitcher inside its
                own work item.
            progress (Progress): How far a job is. ``shots`` are done when nothing of them is left to generate; ``fps``
                counts generated frames.

                ``eta_seconds`` is what is left, queues included; null when the job has ended, and while nobody serves its
                queue.
            video (str):
            audio (None | str):
            model (ModelOut | None):
            sync (Sync): Sync mode, and how many frames of difference count as none (``strict``).
            seed (int):
            priority (int):
            deadline (datetime.datetime | None):
            deadline_at_risk (bool):
            estimated_start_at (datetime.datetime | None):
            estimated_finish_at (datetime.datetime | None):
            metadata (JobOutMetadata):
            created_at (datetime.datetime):
            started_at (datetime.datetime | None):
            finished_at (datetime.datetime | None):
            heartbeat_at (datetime.datetime | None):
            cancel_requested_at (datetime.datetime | None):
            stuck (bool):
            copy_of (None | str):
            waiting_on (None | str):
            warnings (list[Finding]):
            error (Failure | None):
            links (Links | None):
            delivery (MasterDelivered | None):
    """

    id: str
    title: None | str
    title_name: None | str
    language: None | str
    revision: int | None
    status: JobState
    phase: Phase
    progress: Progress
    video: str
    audio: None | str
    model: ModelOut | None
    sync: Sync
    seed: int
    priority: int
    deadline: datetime.datetime | None
    deadline_at_risk: bool
    estimated_start_at: datetime.datetime | None
    estimated_finish_at: datetime.datetime | None
    metadata: JobOutMetadata
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None
    heartbeat_at: datetime.datetime | None
    cancel_requested_at: datetime.datetime | None
    stuck: bool
    copy_of: None | str
    waiting_on: None | str
    warnings: list[Finding]
    error: Failure | None
    links: Links | None
    delivery: MasterDelivered | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.failure import Failure  # noqa: PLC0415
        from ..models.finding import Finding  # noqa: PLC0415
        from ..models.job_out_metadata import JobOutMetadata  # noqa: PLC0415
        from ..models.links import Links  # noqa: PLC0415
        from ..models.master_delivered import MasterDelivered  # noqa: PLC0415
        from ..models.model_out import ModelOut  # noqa: PLC0415
        from ..models.progress import Progress  # noqa: PLC0415
        from ..models.sync import Sync  # noqa: PLC0415

        id = self.id

        title: None | str
        title = self.title

        title_name: None | str
        title_name = self.title_name

        language: None | str
        language = self.language

        revision: int | None
        revision = self.revision

        status: str = self.status

        phase: str = self.phase

        progress = self.progress.to_dict()

        video = self.video

        audio: None | str
        audio = self.audio

        model: dict[str, Any] | None
        if isinstance(self.model, ModelOut):
            model = self.model.to_dict()
        else:
            model = self.model

        sync = self.sync.to_dict()

        seed = self.seed

        priority = self.priority

        deadline: None | str
        if isinstance(self.deadline, datetime.datetime):
            deadline = self.deadline.isoformat()
        else:
            deadline = self.deadline

        deadline_at_risk = self.deadline_at_risk

        estimated_start_at: None | str
        if isinstance(self.estimated_start_at, datetime.datetime):
            estimated_start_at = self.estimated_start_at.isoformat()
        else:
            estimated_start_at = self.estimated_start_at

        estimated_finish_at: None | str
        if isinstance(self.estimated_finish_at, datetime.datetime):
            estimated_finish_at = self.estimated_finish_at.isoformat()
        else:
            estimated_finish_at = self.estimated_finish_at

        metadata = self.metadata.to_dict()

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

        cancel_requested_at: None | str
        if isinstance(self.cancel_requested_at, datetime.datetime):
            cancel_requested_at = self.cancel_requested_at.isoformat()
        else:
            cancel_requested_at = self.cancel_requested_at

        stuck = self.stuck

        copy_of: None | str
        copy_of = self.copy_of

        waiting_on: None | str
        waiting_on = self.waiting_on

        warnings = []
        for warnings_item_data in self.warnings:
            warnings_item = warnings_item_data.to_dict()
            warnings.append(warnings_item)

        error: dict[str, Any] | None
        if isinstance(self.error, Failure):
            error = self.error.to_dict()
        else:
            error = self.error

        links: dict[str, Any] | None
        if isinstance(self.links, Links):
            links = self.links.to_dict()
        else:
            links = self.links

        delivery: dict[str, Any] | None
        if isinstance(self.delivery, MasterDelivered):
            delivery = self.delivery.to_dict()
        else:
            delivery = self.delivery

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "title": title,
                "title_name": title_name,
                "language": language,
                "revision": revision,
                "status": status,
                "phase": phase,
                "progress": progress,
                "video": video,
                "audio": audio,
                "model": model,
                "sync": sync,
                "seed": seed,
                "priority": priority,
                "deadline": deadline,
                "deadline_at_risk": deadline_at_risk,
                "estimated_start_at": estimated_start_at,
                "estimated_finish_at": estimated_finish_at,
                "metadata": metadata,
                "created_at": created_at,
                "started_at": started_at,
                "finished_at": finished_at,
                "heartbeat_at": heartbeat_at,
                "cancel_requested_at": cancel_requested_at,
                "stuck": stuck,
                "copy_of": copy_of,
                "waiting_on": waiting_on,
                "warnings": warnings,
                "error": error,
                "links": links,
                "delivery": delivery,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.failure import Failure  # noqa: PLC0415
        from ..models.finding import Finding  # noqa: PLC0415
        from ..models.job_out_metadata import JobOutMetadata  # noqa: PLC0415
        from ..models.links import Links  # noqa: PLC0415
        from ..models.master_delivered import MasterDelivered  # noqa: PLC0415
        from ..models.model_out import ModelOut  # noqa: PLC0415
        from ..models.progress import Progress  # noqa: PLC0415
        from ..models.sync import Sync  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        def _parse_title(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        title = _parse_title(d.pop("title"))

        def _parse_title_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        title_name = _parse_title_name(d.pop("title_name"))

        def _parse_language(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        language = _parse_language(d.pop("language"))

        def _parse_revision(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        revision = _parse_revision(d.pop("revision"))

        status = check_job_state(d.pop("status"))

        phase = check_phase(d.pop("phase"))

        progress = Progress.from_dict(d.pop("progress"))

        video = d.pop("video")

        def _parse_audio(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        audio = _parse_audio(d.pop("audio"))

        def _parse_model(data: object) -> ModelOut | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                model_type_0 = ModelOut.from_dict(data)

                return model_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ModelOut | None, data)

        model = _parse_model(d.pop("model"))

        sync = Sync.from_dict(d.pop("sync"))

        seed = d.pop("seed")

        priority = d.pop("priority")

        def _parse_deadline(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                deadline_type_0 = datetime.datetime.fromisoformat(data)

                return deadline_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        deadline = _parse_deadline(d.pop("deadline"))

        deadline_at_risk = d.pop("deadline_at_risk")

        def _parse_estimated_start_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                estimated_start_at_type_0 = datetime.datetime.fromisoformat(data)

                return estimated_start_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        estimated_start_at = _parse_estimated_start_at(d.pop("estimated_start_at"))

        def _parse_estimated_finish_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                estimated_finish_at_type_0 = datetime.datetime.fromisoformat(data)

                return estimated_finish_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        estimated_finish_at = _parse_estimated_finish_at(d.pop("estimated_finish_at"))

        metadata = JobOutMetadata.from_dict(d.pop("metadata"))

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

        def _parse_cancel_requested_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                cancel_requested_at_type_0 = datetime.datetime.fromisoformat(data)

                return cancel_requested_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        cancel_requested_at = _parse_cancel_requested_at(d.pop("cancel_requested_at"))

        stuck = d.pop("stuck")

        def _parse_copy_of(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        copy_of = _parse_copy_of(d.pop("copy_of"))

        def _parse_waiting_on(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        waiting_on = _parse_waiting_on(d.pop("waiting_on"))

        warnings = []
        _warnings = d.pop("warnings")
        for warnings_item_data in _warnings:
            warnings_item = Finding.from_dict(warnings_item_data)

            warnings.append(warnings_item)

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

        def _parse_links(data: object) -> Links | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                links_type_0 = Links.from_dict(data)

                return links_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Links | None, data)

        links = _parse_links(d.pop("links"))

        def _parse_delivery(data: object) -> MasterDelivered | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                delivery_type_0 = MasterDelivered.from_dict(data)

                return delivery_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(MasterDelivered | None, data)

        delivery = _parse_delivery(d.pop("delivery"))

        job_out = cls(
            id=id,
            title=title,
            title_name=title_name,
            language=language,
            revision=revision,
            status=status,
            phase=phase,
            progress=progress,
            video=video,
            audio=audio,
            model=model,
            sync=sync,
            seed=seed,
            priority=priority,
            deadline=deadline,
            deadline_at_risk=deadline_at_risk,
            estimated_start_at=estimated_start_at,
            estimated_finish_at=estimated_finish_at,
            metadata=metadata,
            created_at=created_at,
            started_at=started_at,
            finished_at=finished_at,
            heartbeat_at=heartbeat_at,
            cancel_requested_at=cancel_requested_at,
            stuck=stuck,
            copy_of=copy_of,
            waiting_on=waiting_on,
            warnings=warnings,
            error=error,
            links=links,
            delivery=delivery,
        )

        job_out.additional_properties = d
        return job_out

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
