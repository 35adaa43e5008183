from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.shot_progress_status import ShotProgressStatus, check_shot_progress_status
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.counter import Counter


T = TypeVar("T", bound="ShotProgress")


@_attrs_define
class ShotProgress:
    """One shot: how many frames of mouths it gets, and how many of these are there.

    ``skipped``: it gets none and passes through. ``timecode`` counts from 00:00:00:00.

        Attributes:
            index (int):
            start (int):
            end (int):
            timecode (str):
            status (ShotProgressStatus):
            frames (Counter): Done of total; total is 0 while unknown.
    """

    index: int
    start: int
    end: int
    timecode: str
    status: ShotProgressStatus
    frames: Counter
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.counter import Counter  # noqa: PLC0415

        index = self.index

        start = self.start

        end = self.end

        timecode = self.timecode

        status: str = self.status

        frames = self.frames.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "index": index,
                "start": start,
                "end": end,
                "timecode": timecode,
                "status": status,
                "frames": frames,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.counter import Counter  # noqa: PLC0415

        d = dict(src_dict)
        index = d.pop("index")

        start = d.pop("start")

        end = d.pop("end")

        timecode = d.pop("timecode")

        status = check_shot_progress_status(d.pop("status"))

        frames = Counter.from_dict(d.pop("frames"))

        shot_progress = cls(
            index=index,
            start=start,
            end=end,
            timecode=timecode,
            status=status,
            frames=frames,
        )

        shot_progress.additional_properties = d
        return shot_progress

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
