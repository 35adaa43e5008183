from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.batch_state import BatchState, check_batch_state
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.batch_item_out import BatchItemOut
    from ..models.batch_out_counts import BatchOutCounts
    from ..models.batch_out_metadata import BatchOutMetadata


T = TypeVar("T", bound="BatchOut")


@_attrs_define
class BatchOut:
    """A batch in one look.

    ``counts`` say how many items are what, ``percent`` which share of them has ended; ``failures`` are the first that
    were
    refused or failed.

        Attributes:
            id (str):
            name (None | str):
            status (BatchState): ``submitting`` while items become jobs, ``running`` until the last of these has ended; or
                it was cancelled.
            file (None | str):
            total (int):
            percent (float):
            counts (BatchOutCounts):
            failures (list[BatchItemOut]):
            metadata (BatchOutMetadata):
            created_at (datetime.datetime):
            finished_at (datetime.datetime | None):
    """

    id: str
    name: None | str
    status: BatchState
    file: None | str
    total: int
    percent: float
    counts: BatchOutCounts
    failures: list[BatchItemOut]
    metadata: BatchOutMetadata
    created_at: datetime.datetime
    finished_at: datetime.datetime | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.batch_item_out import BatchItemOut  # noqa: PLC0415
        from ..models.batch_out_counts import BatchOutCounts  # noqa: PLC0415
        from ..models.batch_out_metadata import BatchOutMetadata  # noqa: PLC0415

        id = self.id

        name: None | str
        name = self.name

        status: str = self.status

        file: None | str
        file = self.file

        total = self.total

        percent = self.percent

        counts = self.counts.to_dict()

        failures = []
        for failures_item_data in self.failures:
            failures_item = failures_item_data.to_dict()
            failures.append(failures_item)

        metadata = self.metadata.to_dict()

        created_at = self.created_at.isoformat()

        finished_at: None | str
        if isinstance(self.finished_at, datetime.datetime):
            finished_at = self.finished_at.isoformat()
        else:
            finished_at = self.finished_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "name": name,
                "status": status,
                "file": file,
                "total": total,
                "percent": percent,
                "counts": counts,
                "failures": failures,
                "metadata": metadata,
                "created_at": created_at,
                "finished_at": finished_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.batch_item_out import BatchItemOut  # noqa: PLC0415
        from ..models.batch_out_counts import BatchOutCounts  # noqa: PLC0415
        from ..models.batch_out_metadata import BatchOutMetadata  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        def _parse_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        name = _parse_name(d.pop("name"))

        status = check_batch_state(d.pop("status"))

        def _parse_file(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        file = _parse_file(d.pop("file"))

        total = d.pop("total")

        percent = d.pop("percent")

        counts = BatchOutCounts.from_dict(d.pop("counts"))

        failures = []
        _failures = d.pop("failures")
        for failures_item_data in _failures:
            failures_item = BatchItemOut.from_dict(failures_item_data)

            failures.append(failures_item)

        metadata = BatchOutMetadata.from_dict(d.pop("metadata"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_finished_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                finished_at_type_0 = datetime.datetime.fromisoformat(data)

                return finished_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        finished_at = _parse_finished_at(d.pop("finished_at"))

        batch_out = cls(
            id=id,
            name=name,
            status=status,
            file=file,
            total=total,
            percent=percent,
            counts=counts,
            failures=failures,
            metadata=metadata,
            created_at=created_at,
            finished_at=finished_at,
        )

        batch_out.additional_properties = d
        return batch_out

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
