from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.language_status import LanguageStatus, check_language_status
from ..models.review_rule import ReviewRule, check_review_rule
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.delivered import Delivered
    from ..models.language_out_metadata import LanguageOutMetadata
    from ..models.language_out_seeds import LanguageOutSeeds
    from ..models.output_out import OutputOut
    from ..models.render_out import RenderOut
    from ..models.sync import Sync


T = TypeVar("T", bound="LanguageOut")


@_attrs_define
class LanguageOut:
    """A language of a title.

    ``revision`` counts the sounds that it was given; ``seeds`` are those of shots that have their own, ``kept_shots``
    keep the
    original picture. ``latest`` is the job asked for last, ``delivered`` the last master, which stays whatever comes
    after.
    ``version`` is its ETag's, and grows with every change.

        Attributes:
            title (str):
            language (str):
            status (LanguageStatus): Where one language of a title stands.

                ``stale``: its last master is of an earlier revision of its sound. From ``in_review`` on: the master's review
                says so.
            audio (str):
            revision (int):
            latest (None | RenderOut):
            delivered (Delivered | None):
            model (str):
            sync (Sync): Sync mode, and how many frames of difference count as none (``strict``).
            seed (int):
            seeds (LanguageOutSeeds):
            kept_shots (list[int]):
            filename (str):
            review (ReviewRule): Whether masters of a language wait for approval before they are given out.
            output (None | OutputOut):
            metadata (LanguageOutMetadata):
            version (int):
            created_at (datetime.datetime):
            updated_at (datetime.datetime):
    """

    title: str
    language: str
    status: LanguageStatus
    audio: str
    revision: int
    latest: None | RenderOut
    delivered: Delivered | None
    model: str
    sync: Sync
    seed: int
    seeds: LanguageOutSeeds
    kept_shots: list[int]
    filename: str
    review: ReviewRule
    output: None | OutputOut
    metadata: LanguageOutMetadata
    version: int
    created_at: datetime.datetime
    updated_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.delivered import Delivered  # noqa: PLC0415
        from ..models.language_out_metadata import LanguageOutMetadata  # noqa: PLC0415
        from ..models.language_out_seeds import LanguageOutSeeds  # noqa: PLC0415
        from ..models.output_out import OutputOut  # noqa: PLC0415
        from ..models.render_out import RenderOut  # noqa: PLC0415
        from ..models.sync import Sync  # noqa: PLC0415

        title = self.title

        language = self.language

        status: str = self.status

        audio = self.audio

        revision = self.revision

        latest: dict[str, Any] | None
        if isinstance(self.latest, RenderOut):
            latest = self.latest.to_dict()
        else:
            latest = self.latest

        delivered: dict[str, Any] | None
        if isinstance(self.delivered, Delivered):
            delivered = self.delivered.to_dict()
        else:
            delivered = self.delivered

        model = self.model

        sync = self.sync.to_dict()

        seed = self.seed

        seeds = self.seeds.to_dict()

        kept_shots = self.kept_shots

        filename = self.filename

        review: str = self.review

        output: dict[str, Any] | None
        if isinstance(self.output, OutputOut):
            output = self.output.to_dict()
        else:
            output = self.output

        metadata = self.metadata.to_dict()

        version = self.version

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "title": title,
                "language": language,
                "status": status,
                "audio": audio,
                "revision": revision,
                "latest": latest,
                "delivered": delivered,
                "model": model,
                "sync": sync,
                "seed": seed,
                "seeds": seeds,
                "kept_shots": kept_shots,
                "filename": filename,
                "review": review,
                "output": output,
                "metadata": metadata,
                "version": version,
                "created_at": created_at,
                "updated_at": updated_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.delivered import Delivered  # noqa: PLC0415
        from ..models.language_out_metadata import LanguageOutMetadata  # noqa: PLC0415
        from ..models.language_out_seeds import LanguageOutSeeds  # noqa: PLC0415
        from ..models.output_out import OutputOut  # noqa: PLC0415
        from ..models.render_out import RenderOut  # noqa: PLC0415
        from ..models.sync import Sync  # noqa: PLC0415

        d = dict(src_dict)
        title = d.pop("title")

        language = d.pop("language")

        status = check_language_status(d.pop("status"))

        audio = d.pop("audio")

        revision = d.pop("revision")

        def _parse_latest(data: object) -> None | RenderOut:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                latest_type_0 = RenderOut.from_dict(data)

                return latest_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RenderOut, data)

        latest = _parse_latest(d.pop("latest"))

        def _parse_delivered(data: object) -> Delivered | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                delivered_type_0 = Delivered.from_dict(data)

                return delivered_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Delivered | None, data)

        delivered = _parse_delivered(d.pop("delivered"))

        model = d.pop("model")

        sync = Sync.from_dict(d.pop("sync"))

        seed = d.pop("seed")

        seeds = LanguageOutSeeds.from_dict(d.pop("seeds"))

        kept_shots = cast(list[int], d.pop("kept_shots"))

        filename = d.pop("filename")

        review = check_review_rule(d.pop("review"))

        def _parse_output(data: object) -> None | OutputOut:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                output_type_0 = OutputOut.from_dict(data)

                return output_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | OutputOut, data)

        output = _parse_output(d.pop("output"))

        metadata = LanguageOutMetadata.from_dict(d.pop("metadata"))

        version = d.pop("version")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        language_out = cls(
            title=title,
            language=language,
            status=status,
            audio=audio,
            revision=revision,
            latest=latest,
            delivered=delivered,
            model=model,
            sync=sync,
            seed=seed,
            seeds=seeds,
            kept_shots=kept_shots,
            filename=filename,
            review=review,
            output=output,
            metadata=metadata,
            version=version,
            created_at=created_at,
            updated_at=updated_at,
        )

        language_out.additional_properties = d
        return language_out

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
