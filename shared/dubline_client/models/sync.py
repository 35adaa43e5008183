from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.sync_mode import SyncMode, check_sync_mode
from ..types import UNSET, Unset

T = TypeVar("T", bound="Sync")


@_attrs_define
class Sync:
    """Sync mode, and how many frames of difference count as none (``strict``).

    Attributes:
        mode (SyncMode): What to do when the new audio and the picture differ in length. The picture's length never
            changes.
        tolerance_frames (int):  Default: 1.
    """

    mode: SyncMode
    tolerance_frames: int = 1
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        mode: str = self.mode

        tolerance_frames = self.tolerance_frames

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "mode": mode,
                "tolerance_frames": tolerance_frames,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        mode = check_sync_mode(d.pop("mode"))

        tolerance_frames = d.pop("tolerance_frames")

        sync = cls(
            mode=mode,
            tolerance_frames=tolerance_frames,
        )

        sync.additional_properties = d
        return sync

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
