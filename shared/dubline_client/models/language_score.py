from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.sync_measure import SyncMeasure, check_sync_measure
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.agreement import Agreement
    from ..models.sync_net_score import SyncNetScore


T = TypeVar("T", bound="LanguageScore")


@_attrs_define
class LanguageScore:
    """How the mouths of a whole language agree with its track.

    Attributes:
        measure: what stands for it: SyncNet where its weights are at hand, else opening and loudness.
        frames: how many openings were measured.
        agreement: of all new mouths together; None where it does not differ from chance.
        agreement_before: of the source's own mouths at the same frames, with the new track.
        syncnet: mean over the shots that have one, weighted alike, as published; the offset is their median.

        Attributes:
            measure (SyncMeasure): How mouths and sound were compared.
            frames (int):
            agreement (Agreement | None):
            agreement_before (Agreement | None):
            syncnet (None | SyncNetScore):
    """

    measure: SyncMeasure
    frames: int
    agreement: Agreement | None
    agreement_before: Agreement | None
    syncnet: None | SyncNetScore
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.agreement import Agreement  # noqa: PLC0415
        from ..models.sync_net_score import SyncNetScore  # noqa: PLC0415

        measure: str = self.measure

        frames = self.frames

        agreement: dict[str, Any] | None
        if isinstance(self.agreement, Agreement):
            agreement = self.agreement.to_dict()
        else:
            agreement = self.agreement

        agreement_before: dict[str, Any] | None
        if isinstance(self.agreement_before, Agreement):
            agreement_before = self.agreement_before.to_dict()
        else:
            agreement_before = self.agreement_before

        syncnet: dict[str, Any] | None
        if isinstance(self.syncnet, SyncNetScore):
            syncnet = self.syncnet.to_dict()
        else:
            syncnet = self.syncnet

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "measure": measure,
                "frames": frames,
                "agreement": agreement,
                "agreement_before": agreement_before,
                "syncnet": syncnet,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.agreement import Agreement  # noqa: PLC0415
        from ..models.sync_net_score import SyncNetScore  # noqa: PLC0415

        d = dict(src_dict)
        measure = check_sync_measure(d.pop("measure"))

        frames = d.pop("frames")

        def _parse_agreement(data: object) -> Agreement | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                agreement_type_0 = Agreement.from_dict(data)

                return agreement_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Agreement | None, data)

        agreement = _parse_agreement(d.pop("agreement"))

        def _parse_agreement_before(data: object) -> Agreement | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                agreement_before_type_0 = Agreement.from_dict(data)

                return agreement_before_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Agreement | None, data)

        agreement_before = _parse_agreement_before(d.pop("agreement_before"))

        def _parse_syncnet(data: object) -> None | SyncNetScore:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                syncnet_type_0 = SyncNetScore.from_dict(data)

                return syncnet_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SyncNetScore, data)

        syncnet = _parse_syncnet(d.pop("syncnet"))

        language_score = cls(
            measure=measure,
            frames=frames,
            agreement=agreement,
            agreement_before=agreement_before,
            syncnet=syncnet,
        )

        language_score.additional_properties = d
        return language_score

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
