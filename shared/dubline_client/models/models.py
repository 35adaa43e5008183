from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.model_pin import ModelPin


T = TypeVar("T", bound="Models")


@_attrs_define
class Models:
    """The three models that a job is pinned to when it is created.

    Attributes:
        preset (str):
        demo (bool):
        student (ModelPin): A served model, the SHA-256 of its weights, and the number of its version folder (None:
            whichever the server chooses).
        face_encoder (ModelPin): A served model, the SHA-256 of its weights, and the number of its version folder (None:
            whichever the server chooses).
        speech_encoder (ModelPin): A served model, the SHA-256 of its weights, and the number of its version folder
            (None: whichever the server chooses).
    """

    preset: str
    demo: bool
    student: ModelPin
    face_encoder: ModelPin
    speech_encoder: ModelPin
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.model_pin import ModelPin  # noqa: PLC0415

        preset = self.preset

        demo = self.demo

        student = self.student.to_dict()

        face_encoder = self.face_encoder.to_dict()

        speech_encoder = self.speech_encoder.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "preset": preset,
                "demo": demo,
                "student": student,
                "face_encoder": face_encoder,
                "speech_encoder": speech_encoder,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.model_pin import ModelPin  # noqa: PLC0415

        d = dict(src_dict)
        preset = d.pop("preset")

        demo = d.pop("demo")

        student = ModelPin.from_dict(d.pop("student"))

        face_encoder = ModelPin.from_dict(d.pop("face_encoder"))

        speech_encoder = ModelPin.from_dict(d.pop("speech_encoder"))

        models = cls(
            preset=preset,
            demo=demo,
            student=student,
            face_encoder=face_encoder,
            speech_encoder=speech_encoder,
        )

        models.additional_properties = d
        return models

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
