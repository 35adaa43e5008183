from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.job_state import JobState, check_job_state
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.failure import Failure
    from ..models.finding import Finding
    from ..models.frame_range import FrameRange
    from ..models.shot_out import ShotOut


T = TypeVar("T", bound="TitleAnalysis")


@_attrs_define
class TitleAnalysis:
    """What was found in a title's picture. All but ``status`` and ``job`` is null until the analysis has succeeded.

    ``timecode`` counts from 00:00:00:00 at the picture's rate; ``dubbed`` are the frames in which a mouth can be
    painted.

        Attributes:
            job (str):
            status (JobState): Where a job stands. ``queued`` -> ``running`` -> one of the terminal states, or through
                ``canceling`` to ``canceled``.
            fps (None | str | Unset):
            frames (int | None | Unset):
            shots (list[ShotOut] | None | Unset):
            dubbed (list[FrameRange] | None | Unset):
            findings (list[Finding] | None | Unset):
            error (Failure | None | Unset):
    """

    job: str
    status: JobState
    fps: None | str | Unset = UNSET
    frames: int | None | Unset = UNSET
    shots: list[ShotOut] | None | Unset = UNSET
    dubbed: list[FrameRange] | None | Unset = UNSET
    findings: list[Finding] | None | Unset = UNSET
    error: Failure | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.failure import Failure  # noqa: PLC0415
        from ..models.finding import Finding  # noqa: PLC0415
        from ..models.frame_range import FrameRange  # noqa: PLC0415
        from ..models.shot_out import ShotOut  # noqa: PLC0415

        job = self.job

        status: str = self.status

        fps: None | str | Unset
        if isinstance(self.fps, Unset):
            fps = UNSET
        else:
            fps = self.fps

        frames: int | None | Unset
        if isinstance(self.frames, Unset):
            frames = UNSET
        else:
            frames = self.frames

        shots: list[dict[str, Any]] | None | Unset
        if isinstance(self.shots, Unset):
            shots = UNSET
        elif isinstance(self.shots, list):
            shots = []
            for shots_type_0_item_data in self.shots:
                shots_type_0_item = shots_type_0_item_data.to_dict()
                shots.append(shots_type_0_item)

        else:
            shots = self.shots

        dubbed: list[dict[str, Any]] | None | Unset
        if isinstance(self.dubbed, Unset):
            dubbed = UNSET
        elif isinstance(self.dubbed, list):
            dubbed = []
            for dubbed_type_0_item_data in self.dubbed:
                dubbed_type_0_item = dubbed_type_0_item_data.to_dict()
                dubbed.append(dubbed_type_0_item)

        else:
            dubbed = self.dubbed

        findings: list[dict[str, Any]] | None | Unset
        if isinstance(self.findings, Unset):
            findings = UNSET
        elif isinstance(self.findings, list):
            findings = []
            for findings_type_0_item_data in self.findings:
                findings_type_0_item = findings_type_0_item_data.to_dict()
                findings.append(findings_type_0_item)

        else:
            findings = self.findings

        error: dict[str, Any] | None | Unset
        if isinstance(self.error, Unset):
            error = UNSET
        elif isinstance(self.error, Failure):
            error = self.error.to_dict()
        else:
            error = self.error

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "job": job,
                "status": status,
            }
        )
        if fps is not UNSET:
            field_dict["fps"] = fps
        if frames is not UNSET:
            field_dict["frames"] = frames
        if shots is not UNSET:
            field_dict["shots"] = shots
        if dubbed is not UNSET:
            field_dict["dubbed"] = dubbed
        if findings is not UNSET:
            field_dict["findings"] = findings
        if error is not UNSET:
            field_dict["error"] = error

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.failure import Failure  # noqa: PLC0415
        from ..models.finding import Finding  # noqa: PLC0415
        from ..models.frame_range import FrameRange  # noqa: PLC0415
        from ..models.shot_out import ShotOut  # noqa: PLC0415

        d = dict(src_dict)
        job = d.pop("job")

        status = check_job_state(d.pop("status"))

        def _parse_fps(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        fps = _parse_fps(d.pop("fps", UNSET))

        def _parse_frames(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        frames = _parse_frames(d.pop("frames", UNSET))

        def _parse_shots(data: object) -> list[ShotOut] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                shots_type_0 = []
                _shots_type_0 = data
                for shots_type_0_item_data in _shots_type_0:
                    shots_type_0_item = ShotOut.from_dict(shots_type_0_item_data)

                    shots_type_0.append(shots_type_0_item)

                return shots_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[ShotOut] | None | Unset, data)

        shots = _parse_shots(d.pop("shots", UNSET))

        def _parse_dubbed(data: object) -> list[FrameRange] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                dubbed_type_0 = []
                _dubbed_type_0 = data
                for dubbed_type_0_item_data in _dubbed_type_0:
                    dubbed_type_0_item = FrameRange.from_dict(dubbed_type_0_item_data)

                    dubbed_type_0.append(dubbed_type_0_item)

                return dubbed_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[FrameRange] | None | Unset, data)

        dubbed = _parse_dubbed(d.pop("dubbed", UNSET))

        def _parse_findings(data: object) -> list[Finding] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                findings_type_0 = []
                _findings_type_0 = data
                for findings_type_0_item_data in _findings_type_0:
                    findings_type_0_item = Finding.from_dict(findings_type_0_item_data)

                    findings_type_0.append(findings_type_0_item)

                return findings_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[Finding] | None | Unset, data)

        findings = _parse_findings(d.pop("findings", UNSET))

        def _parse_error(data: object) -> Failure | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                error_type_0 = Failure.from_dict(data)

                return error_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Failure | None | Unset, data)

        error = _parse_error(d.pop("error", UNSET))

        title_analysis = cls(
            job=job,
            status=status,
            fps=fps,
            frames=frames,
            shots=shots,
            dubbed=dubbed,
            findings=findings,
            error=error,
        )

        title_analysis.additional_properties = d
        return title_analysis

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
