from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.deadline_policy import DeadlinePolicy, check_deadline_policy
from ..models.lipsync_create_model import LipsyncCreateModel, check_lipsync_create_model
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.audio_in_bucket import AudioInBucket
    from ..models.audio_ref import AudioRef
    from ..models.audio_url import AudioUrl
    from ..models.lipsync_create_metadata import LipsyncCreateMetadata
    from ..models.options import Options
    from ..models.output import Output
    from ..models.sync_choice import SyncChoice
    from ..models.video_in_bucket import VideoInBucket
    from ..models.video_ref import VideoRef
    from ..models.video_url import VideoUrl


T = TypeVar("T", bound="LipsyncCreate")


@_attrs_define
class LipsyncCreate:
    """One dub.

    Attributes:
        video (VideoInBucket | VideoRef | VideoUrl):
        audio (AudioInBucket | AudioRef | AudioUrl):
        model (LipsyncCreateModel | Unset):  Default: 'tiny'.
        sync (SyncChoice | Unset): Sync mode, and how many frames of difference count as none (``strict``).
        options (Options | Unset): What to do with what cannot be dubbed: frames without a face keep the source's
            pixels.
        output (None | Output | Unset):
        seed (int | None | Unset):
        priority (int | Unset):  Default: 0.
        deadline (datetime.datetime | None | Unset):
        deadline_policy (DeadlinePolicy | Unset): What to do with a deadline that cannot be met: refuse it
            (``require``), or take it for an order of work (``try``).
        metadata (LipsyncCreateMetadata | Unset):
    """

    video: VideoInBucket | VideoRef | VideoUrl
    audio: AudioInBucket | AudioRef | AudioUrl
    model: LipsyncCreateModel | Unset = "tiny"
    sync: SyncChoice | Unset = UNSET
    options: Options | Unset = UNSET
    output: None | Output | Unset = UNSET
    seed: int | None | Unset = UNSET
    priority: int | Unset = 0
    deadline: datetime.datetime | None | Unset = UNSET
    deadline_policy: DeadlinePolicy | Unset = UNSET
    metadata: LipsyncCreateMetadata | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.audio_in_bucket import AudioInBucket  # noqa: PLC0415
        from ..models.audio_ref import AudioRef  # noqa: PLC0415
        from ..models.audio_url import AudioUrl  # noqa: PLC0415
        from ..models.lipsync_create_metadata import LipsyncCreateMetadata  # noqa: PLC0415
        from ..models.options import Options  # noqa: PLC0415
        from ..models.output import Output  # noqa: PLC0415
        from ..models.sync_choice import SyncChoice  # noqa: PLC0415
        from ..models.video_in_bucket import VideoInBucket  # noqa: PLC0415
        from ..models.video_ref import VideoRef  # noqa: PLC0415
        from ..models.video_url import VideoUrl  # noqa: PLC0415

        video: dict[str, Any]
        if isinstance(self.video, VideoRef):
            video = self.video.to_dict()
        elif isinstance(self.video, VideoUrl):
            video = self.video.to_dict()
        else:
            video = self.video.to_dict()

        audio: dict[str, Any]
        if isinstance(self.audio, AudioRef):
            audio = self.audio.to_dict()
        elif isinstance(self.audio, AudioUrl):
            audio = self.audio.to_dict()
        else:
            audio = self.audio.to_dict()

        model: str | Unset = UNSET
        if not isinstance(self.model, Unset):
            model = self.model

        sync: dict[str, Any] | Unset = UNSET
        if not isinstance(self.sync, Unset):
            sync = self.sync.to_dict()

        options: dict[str, Any] | Unset = UNSET
        if not isinstance(self.options, Unset):
            options = self.options.to_dict()

        output: dict[str, Any] | None | Unset
        if isinstance(self.output, Unset):
            output = UNSET
        elif isinstance(self.output, Output):
            output = self.output.to_dict()
        else:
            output = self.output

        seed: int | None | Unset
        if isinstance(self.seed, Unset):
            seed = UNSET
        else:
            seed = self.seed

        priority = self.priority

        deadline: None | str | Unset
        if isinstance(self.deadline, Unset):
            deadline = UNSET
        elif isinstance(self.deadline, datetime.datetime):
            deadline = self.deadline.isoformat()
        else:
            deadline = self.deadline

        deadline_policy: str | Unset = UNSET
        if not isinstance(self.deadline_policy, Unset):
            deadline_policy = self.deadline_policy

        metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metadata, Unset):
            metadata = self.metadata.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "video": video,
                "audio": audio,
            }
        )
        if model is not UNSET:
            field_dict["model"] = model
        if sync is not UNSET:
            field_dict["sync"] = sync
        if options is not UNSET:
            field_dict["options"] = options
        if output is not UNSET:
            field_dict["output"] = output
        if seed is not UNSET:
            field_dict["seed"] = seed
        if priority is not UNSET:
            field_dict["priority"] = priority
        if deadline is not UNSET:
            field_dict["deadline"] = deadline
        if deadline_policy is not UNSET:
            field_dict["deadline_policy"] = deadline_policy
        if metadata is not UNSET:
            field_dict["metadata"] = metadata

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.audio_in_bucket import AudioInBucket  # noqa: PLC0415
        from ..models.audio_ref import AudioRef  # noqa: PLC0415
        from ..models.audio_url import AudioUrl  # noqa: PLC0415
        from ..models.lipsync_create_metadata import LipsyncCreateMetadata  # noqa: PLC0415
        from ..models.options import Options  # noqa: PLC0415
        from ..models.output import Output  # noqa: PLC0415
        from ..models.sync_choice import SyncChoice  # noqa: PLC0415
        from ..models.video_in_bucket import VideoInBucket  # noqa: PLC0415
        from ..models.video_ref import VideoRef  # noqa: PLC0415
        from ..models.video_url import VideoUrl  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_video(data: object) -> VideoInBucket | VideoRef | VideoUrl:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                video_type_0 = VideoRef.from_dict(data)

                return video_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                video_type_1 = VideoUrl.from_dict(data)

                return video_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            video_type_2 = VideoInBucket.from_dict(data)

            return video_type_2

        video = _parse_video(d.pop("video"))

        def _parse_audio(data: object) -> AudioInBucket | AudioRef | AudioUrl:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                audio_type_0 = AudioRef.from_dict(data)

                return audio_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                audio_type_1 = AudioUrl.from_dict(data)

                return audio_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            audio_type_2 = AudioInBucket.from_dict(data)

            return audio_type_2

        audio = _parse_audio(d.pop("audio"))

        _model = d.pop("model", UNSET)
        model: LipsyncCreateModel | Unset
        if isinstance(_model, Unset):
            model = UNSET
        else:
            model = check_lipsync_create_model(_model)

        _sync = d.pop("sync", UNSET)
        sync: SyncChoice | Unset
        if isinstance(_sync, Unset):
            sync = UNSET
        else:
            sync = SyncChoice.from_dict(_sync)

        _options = d.pop("options", UNSET)
        options: Options | Unset
        if isinstance(_options, Unset):
            options = UNSET
        else:
            options = Options.from_dict(_options)

        def _parse_output(data: object) -> None | Output | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                output_type_0 = Output.from_dict(data)

                return output_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Output | Unset, data)

        output = _parse_output(d.pop("output", UNSET))

        def _parse_seed(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        seed = _parse_seed(d.pop("seed", UNSET))

        priority = d.pop("priority", UNSET)

        def _parse_deadline(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                deadline_type_0 = datetime.datetime.fromisoformat(data)

                return deadline_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        deadline = _parse_deadline(d.pop("deadline", UNSET))

        _deadline_policy = d.pop("deadline_policy", UNSET)
        deadline_policy: DeadlinePolicy | Unset
        if isinstance(_deadline_policy, Unset):
            deadline_policy = UNSET
        else:
            deadline_policy = check_deadline_policy(_deadline_policy)

        _metadata = d.pop("metadata", UNSET)
        metadata: LipsyncCreateMetadata | Unset
        if isinstance(_metadata, Unset):
            metadata = UNSET
        else:
            metadata = LipsyncCreateMetadata.from_dict(_metadata)

        lipsync_create = cls(
            video=video,
            audio=audio,
            model=model,
            sync=sync,
            options=options,
            output=output,
            seed=seed,
            priority=priority,
            deadline=deadline,
            deadline_policy=deadline_policy,
            metadata=metadata,
        )

        return lipsync_create
