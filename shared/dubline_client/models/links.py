from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.failure import Failure


T = TypeVar("T", bound="Links")


@_attrs_define
class Links:
    """Presigned URLs of what a finished job made; they end at ``expire_at``. Read the job again for fresh ones.

    ``output`` is null, and ``withheld`` says why, while the master waits for approval.

        Attributes:
            output (None | str):
            withheld (Failure | None):
            receipt (str):
            preview (None | str):
            expire_at (datetime.datetime):
    """

    output: None | str
    withheld: Failure | None
    receipt: str
    preview: None | str
    expire_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.failure import Failure  # noqa: PLC0415

        output: None | str
        output = self.output

        withheld: dict[str, Any] | None
        if isinstance(self.withheld, Failure):
            withheld = self.withheld.to_dict()
        else:
            withheld = self.withheld

        receipt = self.receipt

        preview: None | str
        preview = self.preview

        expire_at = self.expire_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "output": output,
                "withheld": withheld,
                "receipt": receipt,
                "preview": preview,
                "expire_at": expire_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.failure import Failure  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_output(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        output = _parse_output(d.pop("output"))

        def _parse_withheld(data: object) -> Failure | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                withheld_type_0 = Failure.from_dict(data)

                return withheld_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Failure | None, data)

        withheld = _parse_withheld(d.pop("withheld"))

        receipt = d.pop("receipt")

        def _parse_preview(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        preview = _parse_preview(d.pop("preview"))

        expire_at = datetime.datetime.fromisoformat(d.pop("expire_at"))

        links = cls(
            output=output,
            withheld=withheld,
            receipt=receipt,
            preview=preview,
            expire_at=expire_at,
        )

        links.additional_properties = d
        return links

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
