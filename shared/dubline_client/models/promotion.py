from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.promotion_model import PromotionModel, check_promotion_model
from ..types import UNSET, Unset

T = TypeVar("T", bound="Promotion")


@_attrs_define
class Promotion:
    """The model that a master is made with instead.

    Attributes:
        model (PromotionModel):
    """

    model: PromotionModel

    def to_dict(self) -> dict[str, Any]:
        model: str = self.model

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "model": model,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        model = check_promotion_model(d.pop("model"))

        promotion = cls(
            model=model,
        )

        return promotion
