from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.batch_item_out_status import BatchItemOutStatus, check_batch_item_out_status
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.failure import Failure


T = TypeVar("T", bound="BatchItemOut")


@_attrs_define
class BatchItemOut:
    """One item: its ``number`` (from 0; of a file the line, from 1), its job, and why it was refused or failed.

    ``replayed``: a job that was there already, made with the same Idempotency-Key.

        Attributes:
            number (int):
            status (BatchItemOutStatus):
            job (None | str):
            idempotency_key (None | str):
            replayed (bool):
            error (Failure | None):
    """

    number: int
    status: BatchItemOutStatus
    job: None | str
    idempotency_key: None | str
    replayed: bool
    error: Failure | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.failure import Failure  # noqa: PLC0415

        number = self.number

        status: str = self.status

        job: None | str
        job = self.job

        idempotency_key: None | str
        idempotency_key = self.idempotency_key

        replayed = self.replayed

        error: dict[str, Any] | None
        if isinstance(self.error, Failure):
            error = self.error.to_dict()
        else:
            error = self.error

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "number": number,
                "status": status,
                "job": job,
                "idempotency_key": idempotency_key,
                "replayed": replayed,
                "error": error,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.failure import Failure  # noqa: PLC0415

        d = dict(src_dict)
        number = d.pop("number")

        status = check_batch_item_out_status(d.pop("status"))

        def _parse_job(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        job = _parse_job(d.pop("job"))

        def _parse_idempotency_key(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        idempotency_key = _parse_idempotency_key(d.pop("idempotency_key"))

        replayed = d.pop("replayed")

        def _parse_error(data: object) -> Failure | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                error_type_0 = Failure.from_dict(data)

                return error_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Failure | None, data)

        error = _parse_error(d.pop("error"))

        batch_item_out = cls(
            number=number,
            status=status,
            job=job,
            idempotency_key=idempotency_key,
            replayed=replayed,
            error=error,
        )

        batch_item_out.additional_properties = d
        return batch_item_out

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
