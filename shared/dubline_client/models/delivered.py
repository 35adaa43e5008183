from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.job_state import JobState, check_job_state
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.links import Links
    from ..models.review_state import ReviewState


T = TypeVar("T", bound="Delivered")


@_attrs_define
class Delivered:
    """The last master of a language, of which revision of its sound it is, where its review stands, and where it lies.

    Attributes:
        job (str):
        revision (int):
        status (JobState): Where a job stands. ``queued`` -> ``running`` -> one of the terminal states, or through
            ``canceling`` to ``canceled``.
        review (None | ReviewState):
        links (Links): Presigned URLs of what a finished job made; they end at ``expire_at``. Read the job again for
            fresh ones.

            ``output`` is null, and ``withheld`` says why, while the master waits for approval.
    """

    job: str
    revision: int
    status: JobState
    review: None | ReviewState
    links: Links
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.links import Links  # noqa: PLC0415
        from ..models.review_state import ReviewState  # noqa: PLC0415

        job = self.job

        revision = self.revision

        status: str = self.status

        review: dict[str, Any] | None
        if isinstance(self.review, ReviewState):
            review = self.review.to_dict()
        else:
            review = self.review

        links = self.links.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "job": job,
                "revision": revision,
                "status": status,
                "review": review,
                "links": links,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.links import Links  # noqa: PLC0415
        from ..models.review_state import ReviewState  # noqa: PLC0415

        d = dict(src_dict)
        job = d.pop("job")

        revision = d.pop("revision")

        status = check_job_state(d.pop("status"))

        def _parse_review(data: object) -> None | ReviewState:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                review_type_0 = ReviewState.from_dict(data)

                return review_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ReviewState, data)

        review = _parse_review(d.pop("review"))

        links = Links.from_dict(d.pop("links"))

        delivered = cls(
            job=job,
            revision=revision,
            status=status,
            review=review,
            links=links,
        )

        delivered.additional_properties = d
        return delivered

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
