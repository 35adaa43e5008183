from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.face_out import FaceOut


T = TypeVar("T", bound="ShotOut")


@_attrs_define
class ShotOut:
    """Frames between two cuts, numbered from 0, ``end`` not included; ``faces`` are those that are dubbed.

    Attributes:
        index (int):
        start (int):
        end (int):
        timecode (str):
        faces (list[FaceOut]):
    """

    index: int
    start: int
    end: int
    timecode: str
    faces: list[FaceOut]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.face_out import FaceOut  # noqa: PLC0415

        index = self.index

        start = self.start

        end = self.end

        timecode = self.timecode

        faces = []
        for faces_item_data in self.faces:
            faces_item = faces_item_data.to_dict()
            faces.append(faces_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "index": index,
                "start": start,
                "end": end,
                "timecode": timecode,
                "faces": faces,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.face_out import FaceOut  # noqa: PLC0415

        d = dict(src_dict)
        index = d.pop("index")

        start = d.pop("start")

        end = d.pop("end")

        timecode = d.pop("timecode")

        faces = []
        _faces = d.pop("faces")
        for faces_item_data in _faces:
            faces_item = FaceOut.from_dict(faces_item_data)

            faces.append(faces_item)

        shot_out = cls(
            index=index,
            start=start,
            end=end,
            timecode=timecode,
            faces=faces,
        )

        shot_out.additional_properties = d
        return shot_out

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
