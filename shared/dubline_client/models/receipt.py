from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.audio_facts import AudioFacts
    from ..models.finding import Finding
    from ..models.frame_range import FrameRange
    from ..models.language_score import LanguageScore
    from ..models.models import Models
    from ..models.parity import Parity
    from ..models.receipt_timings import ReceiptTimings
    from ..models.shot_score import ShotScore
    from ..models.sync import Sync
    from ..models.sync_plan import SyncPlan
    from ..models.video_facts import VideoFacts
    from ..models.witnessed import Witnessed


T = TypeVar("T", bound="Receipt")


@_attrs_define
class Receipt:
    """Everything a delivery desk asks for; stored as JSON beside the master.

    ``plan`` says where the sound lies on the programme's time line, ``score`` how mouths and sound agree over the whole
    language; these and ``witness`` are None in receipts of before.

        Attributes:
            job_id (str):
            created_at (datetime.datetime):
            input_video (VideoFacts): One file's picture and its checksum.
            input_audio (AudioFacts): One track; ``samples`` as decoded, of the ``tracks`` and ``picked`` channels that were
                used (all when empty).
            output_video (VideoFacts): One file's picture and its checksum.
            output_audio (AudioFacts): One track; ``samples`` as decoded, of the ``tracks`` and ``picked`` channels that
                were used (all when empty).
            sync (Sync): Sync mode, and how many frames of difference count as none (``strict``).
            models (Models): The three models that a job is pinned to when it is created.
            seed (int):
            parity (Parity): The promises that were held against the source, all measured on the finished file by the second
                reading.

                A receipt exists only if all hold. ``audio_start`` and ``video_start`` are seconds of the programme.
            plan (None | SyncPlan):
            witness (None | Witnessed):
            touched (list[FrameRange]):
            score (LanguageScore | None):
            shots (list[ShotScore]):
            timings (ReceiptTimings):
            warnings (list[Finding]):
    """

    job_id: str
    created_at: datetime.datetime
    input_video: VideoFacts
    input_audio: AudioFacts
    output_video: VideoFacts
    output_audio: AudioFacts
    sync: Sync
    models: Models
    seed: int
    parity: Parity
    plan: None | SyncPlan
    witness: None | Witnessed
    touched: list[FrameRange]
    score: LanguageScore | None
    shots: list[ShotScore]
    timings: ReceiptTimings
    warnings: list[Finding]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.audio_facts import AudioFacts  # noqa: PLC0415
        from ..models.finding import Finding  # noqa: PLC0415
        from ..models.frame_range import FrameRange  # noqa: PLC0415
        from ..models.language_score import LanguageScore  # noqa: PLC0415
        from ..models.models import Models  # noqa: PLC0415
        from ..models.parity import Parity  # noqa: PLC0415
        from ..models.receipt_timings import ReceiptTimings  # noqa: PLC0415
        from ..models.shot_score import ShotScore  # noqa: PLC0415
        from ..models.sync import Sync  # noqa: PLC0415
        from ..models.sync_plan import SyncPlan  # noqa: PLC0415
        from ..models.video_facts import VideoFacts  # noqa: PLC0415
        from ..models.witnessed import Witnessed  # noqa: PLC0415

        job_id = self.job_id

        created_at = self.created_at.isoformat()

        input_video = self.input_video.to_dict()

        input_audio = self.input_audio.to_dict()

        output_video = self.output_video.to_dict()

        output_audio = self.output_audio.to_dict()

        sync = self.sync.to_dict()

        models = self.models.to_dict()

        seed = self.seed

        parity = self.parity.to_dict()

        plan: dict[str, Any] | None
        if isinstance(self.plan, SyncPlan):
            plan = self.plan.to_dict()
        else:
            plan = self.plan

        witness: dict[str, Any] | None
        if isinstance(self.witness, Witnessed):
            witness = self.witness.to_dict()
        else:
            witness = self.witness

        touched = []
        for touched_item_data in self.touched:
            touched_item = touched_item_data.to_dict()
            touched.append(touched_item)

        score: dict[str, Any] | None
        if isinstance(self.score, LanguageScore):
            score = self.score.to_dict()
        else:
            score = self.score

        shots = []
        for shots_item_data in self.shots:
            shots_item = shots_item_data.to_dict()
            shots.append(shots_item)

        timings = self.timings.to_dict()

        warnings = []
        for warnings_item_data in self.warnings:
            warnings_item = warnings_item_data.to_dict()
            warnings.append(warnings_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "job_id": job_id,
                "created_at": created_at,
                "input_video": input_video,
                "input_audio": input_audio,
                "output_video": output_video,
                "output_audio": output_audio,
                "sync": sync,
                "models": models,
                "seed": seed,
                "parity": parity,
                "plan": plan,
                "witness": witness,
                "touched": touched,
                "score": score,
                "shots": shots,
                "timings": timings,
                "warnings": warnings,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.audio_facts import AudioFacts  # noqa: PLC0415
        from ..models.finding import Finding  # noqa: PLC0415
        from ..models.frame_range import FrameRange  # noqa: PLC0415
        from ..models.language_score import LanguageScore  # noqa: PLC0415
        from ..models.models import Models  # noqa: PLC0415
        from ..models.parity import Parity  # noqa: PLC0415
        from ..models.receipt_timings import ReceiptTimings  # noqa: PLC0415
        from ..models.shot_score import ShotScore  # noqa: PLC0415
        from ..models.sync import Sync  # noqa: PLC0415
        from ..models.sync_plan import SyncPlan  # noqa: PLC0415
        from ..models.video_facts import VideoFacts  # noqa: PLC0415
        from ..models.witnessed import Witnessed  # noqa: PLC0415

        d = dict(src_dict)
        job_id = d.pop("job_id")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        input_video = VideoFacts.from_dict(d.pop("input_video"))

        input_audio = AudioFacts.from_dict(d.pop("input_audio"))

        output_video = VideoFacts.from_dict(d.pop("output_video"))

        output_audio = AudioFacts.from_dict(d.pop("output_audio"))

        sync = Sync.from_dict(d.pop("sync"))

        models = Models.from_dict(d.pop("models"))

        seed = d.pop("seed")

        parity = Parity.from_dict(d.pop("parity"))

        def _parse_plan(data: object) -> None | SyncPlan:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                plan_type_0 = SyncPlan.from_dict(data)

                return plan_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SyncPlan, data)

        plan = _parse_plan(d.pop("plan"))

        def _parse_witness(data: object) -> None | Witnessed:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                witness_type_0 = Witnessed.from_dict(data)

                return witness_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Witnessed, data)

        witness = _parse_witness(d.pop("witness"))

        touched = []
        _touched = d.pop("touched")
        for touched_item_data in _touched:
            touched_item = FrameRange.from_dict(touched_item_data)

            touched.append(touched_item)

        def _parse_score(data: object) -> LanguageScore | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                score_type_0 = LanguageScore.from_dict(data)

                return score_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(LanguageScore | None, data)

        score = _parse_score(d.pop("score"))

        shots = []
        _shots = d.pop("shots")
        for shots_item_data in _shots:
            shots_item = ShotScore.from_dict(shots_item_data)

            shots.append(shots_item)

        timings = ReceiptTimings.from_dict(d.pop("timings"))

        warnings = []
        _warnings = d.pop("warnings")
        for warnings_item_data in _warnings:
            warnings_item = Finding.from_dict(warnings_item_data)

            warnings.append(warnings_item)

        receipt = cls(
            job_id=job_id,
            created_at=created_at,
            input_video=input_video,
            input_audio=input_audio,
            output_video=output_video,
            output_audio=output_audio,
            sync=sync,
            models=models,
            seed=seed,
            parity=parity,
            plan=plan,
            witness=witness,
            touched=touched,
            score=score,
            shots=shots,
            timings=timings,
            warnings=warnings,
        )

        receipt.additional_properties = d
        return receipt

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
