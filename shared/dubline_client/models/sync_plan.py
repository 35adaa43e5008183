from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.sync_mode import SyncMode, check_sync_mode
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.finding import Finding


T = TypeVar("T", bound="SyncPlan")


@_attrs_define
class SyncPlan:
    """How the new audio meets the picture, on one time line.

    The delivered track is ``lead`` samples of silence, ``keep`` samples of the given sound (its holes filled with
    silence),
    then ``pad`` samples of silence.

    Attributes:
        start: seconds on the programme's time line at which the delivered track begins.
        picture_after: seconds from there to the first frame, never negative.
        delta: seconds by which the given audio ends after the picture (negative: before).
        delta_frames: the same in frames, rounded half away from zero.
        findings: what is told about starts that could not be kept as they are.

        Attributes:
            mode (SyncMode): What to do when the new audio and the picture differ in length. The picture's length never
                changes.
            sample_rate (int):
            lead (int):  Default: 0.
            keep (int):
            pad (int):  Default: 0.
            start (str):  Default: '0'.
            picture_after (str):  Default: '0'.
            delta (str):  Default: '0'.
            delta_frames (int):  Default: 0.
            findings (list[Finding]):
    """

    mode: SyncMode
    sample_rate: int
    keep: int
    findings: list[Finding]
    lead: int = 0
    pad: int = 0
    start: str = "0"
    picture_after: str = "0"
    delta: str = "0"
    delta_frames: int = 0
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.finding import Finding  # noqa: PLC0415

        mode: str = self.mode

        sample_rate = self.sample_rate

        lead = self.lead

        keep = self.keep

        pad = self.pad

        start = self.start

        picture_after = self.picture_after

        delta = self.delta

        delta_frames = self.delta_frames

        findings = []
        for findings_item_data in self.findings:
            findings_item = findings_item_data.to_dict()
            findings.append(findings_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "mode": mode,
                "sample_rate": sample_rate,
                "lead": lead,
                "keep": keep,
                "pad": pad,
                "start": start,
                "picture_after": picture_after,
                "delta": delta,
                "delta_frames": delta_frames,
                "findings": findings,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.finding import Finding  # noqa: PLC0415

        d = dict(src_dict)
        mode = check_sync_mode(d.pop("mode"))

        sample_rate = d.pop("sample_rate")

        lead = d.pop("lead")

        keep = d.pop("keep")

        pad = d.pop("pad")

        start = d.pop("start")

        picture_after = d.pop("picture_after")

        delta = d.pop("delta")

        delta_frames = d.pop("delta_frames")

        findings = []
        _findings = d.pop("findings")
        for findings_item_data in _findings:
            findings_item = Finding.from_dict(findings_item_data)

            findings.append(findings_item)

        sync_plan = cls(
            mode=mode,
            sample_rate=sample_rate,
            lead=lead,
            keep=keep,
            pad=pad,
            start=start,
            picture_after=picture_after,
            delta=delta,
            delta_frames=delta_frames,
            findings=findings,
        )

        sync_plan.additional_properties = d
        return sync_plan

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
