from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.agreement import Agreement
    from ..models.sync_net_score import SyncNetScore


T = TypeVar("T", bound="ShotScore")


@_attrs_define
class ShotScore:
    """How mouths and new track agree in one shot.

    Attributes:
        shot: number of the shot.
        touched: True when a mouth in it was repainted.
        agreement: of the new mouths; None where it does not differ from chance, which is the rule in short shots.
        agreement_before: of the source's own mouths at the same frames, with the new track.
        syncnet: None where SyncNet was not at hand, or the shot shows no face as long and as large as its metric asks
    for.
        score, lag_frames, score_before, lag_frames_before: only in receipts of before, which gave them without
    significance:
            they may be chance.

        Attributes:
            start (int):
            end (int):
            shot (int):
            touched (bool):
            agreement (Agreement | None):
            agreement_before (Agreement | None):
            syncnet (None | SyncNetScore):
            score (float | None):
            lag_frames (int | None):
            score_before (float | None):
            lag_frames_before (int | None):
    """

    start: int
    end: int
    shot: int
    touched: bool
    agreement: Agreement | None
    agreement_before: Agreement | None
    syncnet: None | SyncNetScore
    score: float | None
    lag_frames: int | None
    score_before: float | None
    lag_frames_before: int | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.agreement import Agreement  # noqa: PLC0415
        from ..models.sync_net_score import SyncNetScore  # noqa: PLC0415

        start = self.start

        end = self.end

        shot = self.shot

        touched = self.touched

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

        score: float | None
        score = self.score

        lag_frames: int | None
        lag_frames = self.lag_frames

        score_before: float | None
        score_before = self.score_before

        lag_frames_before: int | None
        lag_frames_before = self.lag_frames_before

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "start": start,
                "end": end,
                "shot": shot,
                "touched": touched,
                "agreement": agreement,
                "agreement_before": agreement_before,
                "syncnet": syncnet,
                "score": score,
                "lag_frames": lag_frames,
                "score_before": score_before,
                "lag_frames_before": lag_frames_before,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.agreement import Agreement  # noqa: PLC0415
        from ..models.sync_net_score import SyncNetScore  # noqa: PLC0415

        d = dict(src_dict)
        start = d.pop("start")

        end = d.pop("end")

        shot = d.pop("shot")

        touched = d.pop("touched")

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

        def _parse_score(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        score = _parse_score(d.pop("score"))

        def _parse_lag_frames(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        lag_frames = _parse_lag_frames(d.pop("lag_frames"))

        def _parse_score_before(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        score_before = _parse_score_before(d.pop("score_before"))

        def _parse_lag_frames_before(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        lag_frames_before = _parse_lag_frames_before(d.pop("lag_frames_before"))

        shot_score = cls(
            start=start,
            end=end,
            shot=shot,
            touched=touched,
            agreement=agreement,
            agreement_before=agreement_before,
            syncnet=syncnet,
            score=score,
            lag_frames=lag_frames,
            score_before=score_before,
            lag_frames_before=lag_frames_before,
        )

        shot_score.additional_properties = d
        return shot_score

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
