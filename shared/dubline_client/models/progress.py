from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.counter import Counter
    from ..models.progress_phases import ProgressPhases


T = TypeVar("T", bound="Progress")


@_attrs_define
class Progress:
    """How far a job is. ``shots`` are done when nothing of them is left to generate; ``fps`` counts generated frames.

    ``eta_seconds`` is what is left, queues included; null when the job has ended, and while nobody serves its queue.

        Attributes:
            percent (float):
            phases (ProgressPhases):
            shots (Counter): Done of total; total is 0 while unknown.
            chunks (Counter): Done of total; total is 0 while unknown.
            frames (Counter): Done of total; total is 0 while unknown.
            fps (float | None):
            eta_seconds (float | None):
    """

    percent: float
    phases: ProgressPhases
    shots: Counter
    chunks: Counter
    frames: Counter
    fps: float | None
    eta_seconds: float | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.counter import Counter  # noqa: PLC0415
        from ..models.progress_phases import ProgressPhases  # noqa: PLC0415

        percent = self.percent

        phases = self.phases.to_dict()

        shots = self.shots.to_dict()

        chunks = self.chunks.to_dict()

        frames = self.frames.to_dict()

        fps: float | None
        fps = self.fps

        eta_seconds: float | None
        eta_seconds = self.eta_seconds

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "percent": percent,
                "phases": phases,
                "shots": shots,
                "chunks": chunks,
                "frames": frames,
                "fps": fps,
                "eta_seconds": eta_seconds,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.counter import Counter  # noqa: PLC0415
        from ..models.progress_phases import ProgressPhases  # noqa: PLC0415

        d = dict(src_dict)
        percent = d.pop("percent")

        phases = ProgressPhases.from_dict(d.pop("phases"))

        shots = Counter.from_dict(d.pop("shots"))

        chunks = Counter.from_dict(d.pop("chunks"))

        frames = Counter.from_dict(d.pop("frames"))

        def _parse_fps(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        fps = _parse_fps(d.pop("fps"))

        def _parse_eta_seconds(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        eta_seconds = _parse_eta_seconds(d.pop("eta_seconds"))

        progress = cls(
            percent=percent,
            phases=phases,
            shots=shots,
            chunks=chunks,
            frames=frames,
            fps=fps,
            eta_seconds=eta_seconds,
        )

        progress.additional_properties = d
        return progress

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
