from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.comment_severity import CommentSeverity, check_comment_severity
from ..models.comment_state import CommentState, check_comment_state
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.comment_region import CommentRegion
    from ..models.frame_range import FrameRange


T = TypeVar("T", bound="CommentOut")


@_attrs_define
class CommentOut:
    """A comment of a person or, with the ``code`` of a warning, of the platform (``by``).

    ``frames`` are where it is about, ``timecode`` is the first of them. ``carried``: it was settled in an earlier
    revision.

        Attributes:
            id (str):
            review (str):
            revision (int):
            code (None | str):
            text (str):
            severity (CommentSeverity): ``fyi``: good to know. ``issue``: should be mended. ``blocker``: must be, before
                anything is approved.
            frames (list[FrameRange]):
            timecode (None | str):
            region (CommentRegion | None):
            by (str):
            name (None | str):
            state (CommentState): ``open``, or how a comment was settled.

                ``fix``: it is mended in the next revision. ``creative_intent``: it is meant so. ``best_possible``: nobody can
                make it
                better. ``not_an_issue``: there is nothing wrong.
            answer (None | str):
            settled_by (None | str):
            settled_name (None | str):
            settled_at (datetime.datetime | None):
            carried (bool):
            created_at (datetime.datetime):
    """

    id: str
    review: str
    revision: int
    code: None | str
    text: str
    severity: CommentSeverity
    frames: list[FrameRange]
    timecode: None | str
    region: CommentRegion | None
    by: str
    name: None | str
    state: CommentState
    answer: None | str
    settled_by: None | str
    settled_name: None | str
    settled_at: datetime.datetime | None
    carried: bool
    created_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.comment_region import CommentRegion  # noqa: PLC0415
        from ..models.frame_range import FrameRange  # noqa: PLC0415

        id = self.id

        review = self.review

        revision = self.revision

        code: None | str
        code = self.code

        text = self.text

        severity: str = self.severity

        frames = []
        for frames_item_data in self.frames:
            frames_item = frames_item_data.to_dict()
            frames.append(frames_item)

        timecode: None | str
        timecode = self.timecode

        region: dict[str, Any] | None
        if isinstance(self.region, CommentRegion):
            region = self.region.to_dict()
        else:
            region = self.region

        by = self.by

        name: None | str
        name = self.name

        state: str = self.state

        answer: None | str
        answer = self.answer

        settled_by: None | str
        settled_by = self.settled_by

        settled_name: None | str
        settled_name = self.settled_name

        settled_at: None | str
        if isinstance(self.settled_at, datetime.datetime):
            settled_at = self.settled_at.isoformat()
        else:
            settled_at = self.settled_at

        carried = self.carried

        created_at = self.created_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "review": review,
                "revision": revision,
                "code": code,
                "text": text,
                "severity": severity,
                "frames": frames,
                "timecode": timecode,
                "region": region,
                "by": by,
                "name": name,
                "state": state,
                "answer": answer,
                "settled_by": settled_by,
                "settled_name": settled_name,
                "settled_at": settled_at,
                "carried": carried,
                "created_at": created_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.comment_region import CommentRegion  # noqa: PLC0415
        from ..models.frame_range import FrameRange  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        review = d.pop("review")

        revision = d.pop("revision")

        def _parse_code(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        code = _parse_code(d.pop("code"))

        text = d.pop("text")

        severity = check_comment_severity(d.pop("severity"))

        frames = []
        _frames = d.pop("frames")
        for frames_item_data in _frames:
            frames_item = FrameRange.from_dict(frames_item_data)

            frames.append(frames_item)

        def _parse_timecode(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        timecode = _parse_timecode(d.pop("timecode"))

        def _parse_region(data: object) -> CommentRegion | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                region_type_0 = CommentRegion.from_dict(data)

                return region_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(CommentRegion | None, data)

        region = _parse_region(d.pop("region"))

        by = d.pop("by")

        def _parse_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        name = _parse_name(d.pop("name"))

        state = check_comment_state(d.pop("state"))

        def _parse_answer(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        answer = _parse_answer(d.pop("answer"))

        def _parse_settled_by(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        settled_by = _parse_settled_by(d.pop("settled_by"))

        def _parse_settled_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        settled_name = _parse_settled_name(d.pop("settled_name"))

        def _parse_settled_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                settled_at_type_0 = datetime.datetime.fromisoformat(data)

                return settled_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        settled_at = _parse_settled_at(d.pop("settled_at"))

        carried = d.pop("carried")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        comment_out = cls(
            id=id,
            review=review,
            revision=revision,
            code=code,
            text=text,
            severity=severity,
            frames=frames,
            timecode=timecode,
            region=region,
            by=by,
            name=name,
            state=state,
            answer=answer,
            settled_by=settled_by,
            settled_name=settled_name,
            settled_at=settled_at,
            carried=carried,
            created_at=created_at,
        )

        comment_out.additional_properties = d
        return comment_out

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
