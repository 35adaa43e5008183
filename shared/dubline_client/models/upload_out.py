from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.upload_out_state import UploadOutState, check_upload_out_state
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.part_done import PartDone
    from ..models.part_url import PartUrl


T = TypeVar("T", bound="UploadOut")


@_attrs_define
class UploadOut:
    """An upload: the parts still to send, with fresh URLs, and those that arrived.

    Attributes:
        upload_id (str):
        filename (str):
        size (int):
        part_size (int):
        parts (list[PartUrl]):
        done (list[PartDone]):
        state (UploadOutState):
        asset_id (None | str):
        urls_expire_at (datetime.datetime):
        expires_at (datetime.datetime):
    """

    upload_id: str
    filename: str
    size: int
    part_size: int
    parts: list[PartUrl]
    done: list[PartDone]
    state: UploadOutState
    asset_id: None | str
    urls_expire_at: datetime.datetime
    expires_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.part_done import PartDone  # noqa: PLC0415
        from ..models.part_url import PartUrl  # noqa: PLC0415

        upload_id = self.upload_id

        filename = self.filename

        size = self.size

        part_size = self.part_size

        parts = []
        for parts_item_data in self.parts:
            parts_item = parts_item_data.to_dict()
            parts.append(parts_item)

        done = []
        for done_item_data in self.done:
            done_item = done_item_data.to_dict()
            done.append(done_item)

        state: str = self.state

        asset_id: None | str
        asset_id = self.asset_id

        urls_expire_at = self.urls_expire_at.isoformat()

        expires_at = self.expires_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "upload_id": upload_id,
                "filename": filename,
                "size": size,
                "part_size": part_size,
                "parts": parts,
                "done": done,
                "state": state,
                "asset_id": asset_id,
                "urls_expire_at": urls_expire_at,
                "expires_at": expires_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.part_done import PartDone  # noqa: PLC0415
        from ..models.part_url import PartUrl  # noqa: PLC0415

        d = dict(src_dict)
        upload_id = d.pop("upload_id")

        filename = d.pop("filename")

        size = d.pop("size")

        part_size = d.pop("part_size")

        parts = []
        _parts = d.pop("parts")
        for parts_item_data in _parts:
            parts_item = PartUrl.from_dict(parts_item_data)

            parts.append(parts_item)

        done = []
        _done = d.pop("done")
        for done_item_data in _done:
            done_item = PartDone.from_dict(done_item_data)

            done.append(done_item)

        state = check_upload_out_state(d.pop("state"))

        def _parse_asset_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        asset_id = _parse_asset_id(d.pop("asset_id"))

        urls_expire_at = datetime.datetime.fromisoformat(d.pop("urls_expire_at"))

        expires_at = datetime.datetime.fromisoformat(d.pop("expires_at"))

        upload_out = cls(
            upload_id=upload_id,
            filename=filename,
            size=size,
            part_size=part_size,
            parts=parts,
            done=done,
            state=state,
            asset_id=asset_id,
            urls_expire_at=urls_expire_at,
            expires_at=expires_at,
        )

        upload_out.additional_properties = d
        return upload_out

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
