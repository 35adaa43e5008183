from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.review_status import ReviewStatus, check_review_status
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.decision_out import DecisionOut


T = TypeVar("T", bound="ReviewOut")


@_attrs_define
class ReviewOut:
    """The review of one master.

    ``decision`` is the last one on the language, ``shots`` are the last ones on shots. ``preview`` is the contact
    sheet, until
    ``preview_expires_at``. ``version`` is its ETag's, and grows with every comment and decision.

        Attributes:
            id (str):
            title (str):
            title_name (str):
            language (str):
            revision (int):
            job (str):
            status (ReviewStatus): Where a review stands; the last decision on the language decides.
            requested_by (str):
            decision (DecisionOut | None):
            shots (list[DecisionOut]):
            preview (None | str):
            preview_expires_at (datetime.datetime | None):
            version (int):
            created_at (datetime.datetime):
            updated_at (datetime.datetime):
    """

    id: str
    title: str
    title_name: str
    language: str
    revision: int
    job: str
    status: ReviewStatus
    requested_by: str
    decision: DecisionOut | None
    shots: list[DecisionOut]
    preview: None | str
    preview_expires_at: datetime.datetime | None
    version: int
    created_at: datetime.datetime
    updated_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.decision_out import DecisionOut  # noqa: PLC0415

        id = self.id

        title = self.title

        title_name = self.title_name

        language = self.language

        revision = self.revision

        job = self.job

        status: str = self.status

        requested_by = self.requested_by

        decision: dict[str, Any] | None
        if isinstance(self.decision, DecisionOut):
            decision = self.decision.to_dict()
        else:
            decision = self.decision

        shots = []
        for shots_item_data in self.shots:
            shots_item = shots_item_data.to_dict()
            shots.append(shots_item)

        preview: None | str
        preview = self.preview

        preview_expires_at: None | str
        if isinstance(self.preview_expires_at, datetime.datetime):
            preview_expires_at = self.preview_expires_at.isoformat()
        else:
            preview_expires_at = self.preview_expires_at

        version = self.version

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "title": title,
                "title_name": title_name,
                "language": language,
                "revision": revision,
                "job": job,
                "status": status,
                "requested_by": requested_by,
                "decision": decision,
                "shots": shots,
                "preview": preview,
                "preview_expires_at": preview_expires_at,
                "version": version,
                "created_at": created_at,
                "updated_at": updated_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.decision_out import DecisionOut  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        title = d.pop("title")

        title_name = d.pop("title_name")

        language = d.pop("language")

        revision = d.pop("revision")

        job = d.pop("job")

        status = check_review_status(d.pop("status"))

        requested_by = d.pop("requested_by")

        def _parse_decision(data: object) -> DecisionOut | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                decision_type_0 = DecisionOut.from_dict(data)

                return decision_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(DecisionOut | None, data)

        decision = _parse_decision(d.pop("decision"))

        shots = []
        _shots = d.pop("shots")
        for shots_item_data in _shots:
            shots_item = DecisionOut.from_dict(shots_item_data)

            shots.append(shots_item)

        def _parse_preview(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        preview = _parse_preview(d.pop("preview"))

        def _parse_preview_expires_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                preview_expires_at_type_0 = datetime.datetime.fromisoformat(data)

                return preview_expires_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        preview_expires_at = _parse_preview_expires_at(d.pop("preview_expires_at"))

        version = d.pop("version")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        review_out = cls(
            id=id,
            title=title,
            title_name=title_name,
            language=language,
            revision=revision,
            job=job,
            status=status,
            requested_by=requested_by,
            decision=decision,
            shots=shots,
            preview=preview,
            preview_expires_at=preview_expires_at,
            version=version,
            created_at=created_at,
            updated_at=updated_at,
        )

        review_out.additional_properties = d
        return review_out

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
