from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.asset_state import AssetState, check_asset_state
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.asset_read_media_type_0 import AssetReadMediaType0
    from ..models.failure import Failure


T = TypeVar("T", bound="AssetRead")


@_attrs_define
class AssetRead:
    """A stored file, with a presigned URL of its bytes.

    Attributes:
        id (str):
        filename (str):
        size (int | None):
        sha256 (None | str):
        media (AssetReadMediaType0 | None):
        status (AssetState): ``probing`` until the file was read; ``refused`` where that was not possible: a job that
            uses it fails alike.
        problem (Failure | None):
        created_at (datetime.datetime):
        url (str):
        url_expires_at (datetime.datetime):
    """

    id: str
    filename: str
    size: int | None
    sha256: None | str
    media: AssetReadMediaType0 | None
    status: AssetState
    problem: Failure | None
    created_at: datetime.datetime
    url: str
    url_expires_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.asset_read_media_type_0 import AssetReadMediaType0  # noqa: PLC0415
        from ..models.failure import Failure  # noqa: PLC0415

        id = self.id

        filename = self.filename

        size: int | None
        size = self.size

        sha256: None | str
        sha256 = self.sha256

        media: dict[str, Any] | None
        if isinstance(self.media, AssetReadMediaType0):
            media = self.media.to_dict()
        else:
            media = self.media

        status: str = self.status

        problem: dict[str, Any] | None
        if isinstance(self.problem, Failure):
            problem = self.problem.to_dict()
        else:
            problem = self.problem

        created_at = self.created_at.isoformat()

        url = self.url

        url_expires_at = self.url_expires_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "filename": filename,
                "size": size,
                "sha256": sha256,
                "media": media,
                "status": status,
                "problem": problem,
                "created_at": created_at,
                "url": url,
                "url_expires_at": url_expires_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.asset_read_media_type_0 import AssetReadMediaType0  # noqa: PLC0415
        from ..models.failure import Failure  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        filename = d.pop("filename")

        def _parse_size(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        size = _parse_size(d.pop("size"))

        def _parse_sha256(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        sha256 = _parse_sha256(d.pop("sha256"))

        def _parse_media(data: object) -> AssetReadMediaType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                media_type_0 = AssetReadMediaType0.from_dict(data)

                return media_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(AssetReadMediaType0 | None, data)

        media = _parse_media(d.pop("media"))

        status = check_asset_state(d.pop("status"))

        def _parse_problem(data: object) -> Failure | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                problem_type_0 = Failure.from_dict(data)

                return problem_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Failure | None, data)

        problem = _parse_problem(d.pop("problem"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        url = d.pop("url")

        url_expires_at = datetime.datetime.fromisoformat(d.pop("url_expires_at"))

        asset_read = cls(
            id=id,
            filename=filename,
            size=size,
            sha256=sha256,
            media=media,
            status=status,
            problem=problem,
            created_at=created_at,
            url=url,
            url_expires_at=url_expires_at,
        )

        asset_read.additional_properties = d
        return asset_read

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
