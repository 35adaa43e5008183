"""The roots of the tree: what an error carries, and the two questions that decide what happens next."""

from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(eq=False)
class DublineError(Exception):
    """Base of the tree.

    Attributes:
        detail: what was wrong, in one sentence, with the values that matter.
        where: where it was wrong: ``pointer`` (JSON pointer of the request field), ``frame``, ``timecode``, ``stage`` ...
        suggestions: what the reader can do, most likely first.
        media: measured facts (frame counts, milliseconds), machine-readable.
    """

    detail: str
    where: dict[str, Any] = field(default_factory=dict)
    suggestions: tuple[str, ...] = ()
    media: dict[str, Any] = field(default_factory=dict)

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on our side"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __str__(self) -> str:
        """The code and the sentence."""
        return f"{self.code}: {self.detail}"

    def problem(self) -> dict[str, Any]:
        """The error as the members of an RFC 9457 problem (without ``type`` and ``instance``)."""
        return {
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "retryable": self.retryable,
            "where": self.where,
            "suggestions": list(self.suggestions),
            "media": self.media,
        }


class Transient(DublineError):
    """The same work may succeed later: a service is down, a lease was lost, a slot is taken."""

    code = "temporarily_unavailable"
    title = "A part of the platform is not available right now"
    status = 503
    retryable = True


class Outage(Transient):
    """A part of the platform is away. It is no fault of the work, so it costs the work none of its attempts."""


class Permanent(DublineError):
    """Trying again cannot help; the work fails with this error."""


class BadInput(Permanent):
    """The caller must change what was sent."""

    code = "invalid_request"
    title = "The request is not valid"
    status = 422
