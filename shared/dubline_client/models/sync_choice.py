from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.sync_mode import SyncMode, check_sync_mode
from ..types import UNSET, Unset

T = TypeVar("T", bound="SyncChoice")


@_attrs_define
class SyncChoice:
    """Sync mode, and how many frames of difference count as none (``strict``).

    Attributes:
        mode (SyncMode | Unset): What to do when the new audio and the picture differ in length. The picture's length
            never changes.
        tolerance_frames (int | Unset):  Default: 1.
    """

    mode: SyncMode | Unset = UNSET
    tolerance_frames: int | Unset = 1

    def to_dict(self) -> dict[str, Any]:
        mode: str | Unset = UNSET
        if not isinstance(self.mode, Unset):
            mode = self.mode

        tolerance_frames = self.tolerance_frames

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if mode is not UNSET:
            field_dict["mode"] = mode
        if tolerance_frames is not UNSET:
            field_dict["tolerance_frames"] = tolerance_frames

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _mode = d.pop("mode", UNSET)
        mode: SyncMode | Unset
        if isinstance(_mode, Unset):
            mode = UNSET
        else:
            mode = check_sync_mode(_mode)

        tolerance_frames = d.pop("tolerance_frames", UNSET)

        sync_choice = cls(
            mode=mode,
            tolerance_frames=tolerance_frames,
        )

        return sync_choice
