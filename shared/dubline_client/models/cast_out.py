from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.job_state import JobState, check_job_state
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.cast_face import CastFace


T = TypeVar("T", bound="CastOut")


@_attrs_define
class CastOut:
    """The faces of a title's picture that are dubbed, in order; ``faces`` is null until the analysis has succeeded.

    Attributes:
        job (str):
        status (JobState): Where a job stands. ``queued`` -> ``running`` -> one of the terminal states, or through
            ``canceling`` to ``canceled``.
        faces (list[CastFace] | None):
        pictures_expire_at (datetime.datetime):
    """

    job: str
    status: JobState
    faces: list[CastFace] | None
    pictures_expire_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.cast_face import CastFace  # noqa: PLC0415

        job = self.job

        status: str = self.status

        faces: list[dict[str, Any]] | None
        if isinstance(self.faces, list):
            faces = []
            for faces_type_0_item_data in self.faces:
                faces_type_0_item = faces_type_0_item_data.to_dict()
                faces.append(faces_type_0_item)

        else:
            faces = self.faces

        pictures_expire_at = self.pictures_expire_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "job": job,
                "status": status,
                "faces": faces,
                "pictures_expire_at": pictures_expire_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.cast_face import CastFace  # noqa: PLC0415

        d = dict(src_dict)
        job = d.pop("job")

        status = check_job_state(d.pop("status"))

        def _parse_faces(data: object) -> list[CastFace] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                faces_type_0 = []
                _faces_type_0 = data
                for faces_type_0_item_data in _faces_type_0:
                    faces_type_0_item = CastFace.from_dict(faces_type_0_item_data)

                    faces_type_0.append(faces_type_0_item)

                return faces_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[CastFace] | None, data)

        faces = _parse_faces(d.pop("faces"))

        pictures_expire_at = datetime.datetime.fromisoformat(d.pop("pictures_expire_at"))

        cast_out = cls(
            job=job,
            status=status,
            faces=faces,
            pictures_expire_at=pictures_expire_at,
        )

        cast_out.additional_properties = d
        return cast_out

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
