from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.preflight_out_status import PreflightOutStatus, check_preflight_out_status
from ..models.preflight_out_unread_item import PreflightOutUnreadItem, check_preflight_out_unread_item
from ..models.preflight_out_waiting_for_item import PreflightOutWaitingForItem, check_preflight_out_waiting_for_item
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.failure import Failure
    from ..models.finding import Finding
    from ..models.picture_length import PictureLength
    from ..models.planned_chunks import PlannedChunks
    from ..models.planned_cost import PlannedCost
    from ..models.preflight_out_sync_type_0 import PreflightOutSyncType0
    from ..models.sound_length import SoundLength


T = TypeVar("T", bound="PreflightOut")


@_attrs_define
class PreflightOut:
    """What would become of a dub.

    ``status`` is ``refused`` where there are ``problems``; ``pending`` while files are read or sounds compared
    (``waiting_for``): ask again; ``partial`` where a file at a URL (``unread``) was not fetched; else ``ready``. What
    is not
    known yet is null.

        Attributes:
            status (PreflightOutStatus):
            waiting_for (list[PreflightOutWaitingForItem]):
            unread (list[PreflightOutUnreadItem]):
            problems (list[Failure]):
            warnings (list[Finding]):
            video (None | PictureLength):
            audio (None | SoundLength):
            delta_frames (int | None):
            delta_ms (int | None):
            sync (None | PreflightOutSyncType0):
            shots (int | None):
            planned (None | PlannedChunks):
            estimate (None | PlannedCost):
    """

    status: PreflightOutStatus
    waiting_for: list[PreflightOutWaitingForItem]
    unread: list[PreflightOutUnreadItem]
    problems: list[Failure]
    warnings: list[Finding]
    video: None | PictureLength
    audio: None | SoundLength
    delta_frames: int | None
    delta_ms: int | None
    sync: None | PreflightOutSyncType0
    shots: int | None
    planned: None | PlannedChunks
    estimate: None | PlannedCost
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.failure import Failure  # noqa: PLC0415
        from ..models.finding import Finding  # noqa: PLC0415
        from ..models.picture_length import PictureLength  # noqa: PLC0415
        from ..models.planned_chunks import PlannedChunks  # noqa: PLC0415
        from ..models.planned_cost import PlannedCost  # noqa: PLC0415
        from ..models.preflight_out_sync_type_0 import PreflightOutSyncType0  # noqa: PLC0415
        from ..models.sound_length import SoundLength  # noqa: PLC0415

        status: str = self.status

        waiting_for = []
        for waiting_for_item_data in self.waiting_for:
            waiting_for_item: str = waiting_for_item_data
            waiting_for.append(waiting_for_item)

        unread = []
        for unread_item_data in self.unread:
            unread_item: str = unread_item_data
            unread.append(unread_item)

        problems = []
        for problems_item_data in self.problems:
            problems_item = problems_item_data.to_dict()
            problems.append(problems_item)

        warnings = []
        for warnings_item_data in self.warnings:
            warnings_item = warnings_item_data.to_dict()
            warnings.append(warnings_item)

        video: dict[str, Any] | None
        if isinstance(self.video, PictureLength):
            video = self.video.to_dict()
        else:
            video = self.video

        audio: dict[str, Any] | None
        if isinstance(self.audio, SoundLength):
            audio = self.audio.to_dict()
        else:
            audio = self.audio

        delta_frames: int | None
        delta_frames = self.delta_frames

        delta_ms: int | None
        delta_ms = self.delta_ms

        sync: dict[str, Any] | None
        if isinstance(self.sync, PreflightOutSyncType0):
            sync = self.sync.to_dict()
        else:
            sync = self.sync

        shots: int | None
        shots = self.shots

        planned: dict[str, Any] | None
        if isinstance(self.planned, PlannedChunks):
            planned = self.planned.to_dict()
        else:
            planned = self.planned

        estimate: dict[str, Any] | None
        if isinstance(self.estimate, PlannedCost):
            estimate = self.estimate.to_dict()
        else:
            estimate = self.estimate

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "waiting_for": waiting_for,
                "unread": unread,
                "problems": problems,
                "warnings": warnings,
                "video": video,
                "audio": audio,
                "delta_frames": delta_frames,
                "delta_ms": delta_ms,
                "sync": sync,
                "shots": shots,
                "planned": planned,
                "estimate": estimate,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.failure import Failure  # noqa: PLC0415
        from ..models.finding import Finding  # noqa: PLC0415
        from ..models.picture_length import PictureLength  # noqa: PLC0415
        from ..models.planned_chunks import PlannedChunks  # noqa: PLC0415
        from ..models.planned_cost import PlannedCost  # noqa: PLC0415
        from ..models.preflight_out_sync_type_0 import PreflightOutSyncType0  # noqa: PLC0415
        from ..models.sound_length import SoundLength  # noqa: PLC0415

        d = dict(src_dict)
        status = check_preflight_out_status(d.pop("status"))

        waiting_for = []
        _waiting_for = d.pop("waiting_for")
        for waiting_for_item_data in _waiting_for:
            waiting_for_item = check_preflight_out_waiting_for_item(waiting_for_item_data)

            waiting_for.append(waiting_for_item)

        unread = []
        _unread = d.pop("unread")
        for unread_item_data in _unread:
            unread_item = check_preflight_out_unread_item(unread_item_data)

            unread.append(unread_item)

        problems = []
        _problems = d.pop("problems")
        for problems_item_data in _problems:
            problems_item = Failure.from_dict(problems_item_data)

            problems.append(problems_item)

        warnings = []
        _warnings = d.pop("warnings")
        for warnings_item_data in _warnings:
            warnings_item = Finding.from_dict(warnings_item_data)

            warnings.append(warnings_item)

        def _parse_video(data: object) -> None | PictureLength:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                video_type_0 = PictureLength.from_dict(data)

                return video_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PictureLength, data)

        video = _parse_video(d.pop("video"))

        def _parse_audio(data: object) -> None | SoundLength:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                audio_type_0 = SoundLength.from_dict(data)

                return audio_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SoundLength, data)

        audio = _parse_audio(d.pop("audio"))

        def _parse_delta_frames(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        delta_frames = _parse_delta_frames(d.pop("delta_frames"))

        def _parse_delta_ms(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        delta_ms = _parse_delta_ms(d.pop("delta_ms"))

        def _parse_sync(data: object) -> None | PreflightOutSyncType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                sync_type_0 = PreflightOutSyncType0.from_dict(data)

                return sync_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PreflightOutSyncType0, data)

        sync = _parse_sync(d.pop("sync"))

        def _parse_shots(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        shots = _parse_shots(d.pop("shots"))

        def _parse_planned(data: object) -> None | PlannedChunks:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                planned_type_0 = PlannedChunks.from_dict(data)

                return planned_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PlannedChunks, data)

        planned = _parse_planned(d.pop("planned"))

        def _parse_estimate(data: object) -> None | PlannedCost:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                estimate_type_0 = PlannedCost.from_dict(data)

                return estimate_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PlannedCost, data)

        estimate = _parse_estimate(d.pop("estimate"))

        preflight_out = cls(
            status=status,
            waiting_for=waiting_for,
            unread=unread,
            problems=problems,
            warnings=warnings,
            video=video,
            audio=audio,
            delta_frames=delta_frames,
            delta_ms=delta_ms,
            sync=sync,
            shots=shots,
            planned=planned,
            estimate=estimate,
        )

        preflight_out.additional_properties = d
        return preflight_out

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
