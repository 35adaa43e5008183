from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.measuring_model import MeasuringModel, check_measuring_model
from ..types import UNSET, Unset

T = TypeVar("T", bound="Measuring")


@_attrs_define
class Measuring:
    """How far the gate's measurement is: clips of the frozen set, for the candidate, then for the incumbent if need be.

    Attributes:
        model (MeasuringModel):
        done (int):
        of (int):
        eta_seconds (float):
    """

    model: MeasuringModel
    done: int
    of: int
    eta_seconds: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        model: str = self.model

        done = self.done

        of = self.of

        eta_seconds = self.eta_seconds

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "model": model,
                "done": done,
                "of": of,
                "eta_seconds": eta_seconds,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        model = check_measuring_model(d.pop("model"))

        done = d.pop("done")

        of = d.pop("of")

        eta_seconds = d.pop("eta_seconds")

        measuring = cls(
            model=model,
            done=done,
            of=of,
            eta_seconds=eta_seconds,
        )

        measuring.additional_properties = d
        return measuring

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
