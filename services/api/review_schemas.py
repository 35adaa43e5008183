"""Bodies of requests and responses about reviews."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from dubbing.domain.findings import FrameRange
from dubbing.domain.reviews import CommentSeverity, CommentState, GuestRight, ReviewDecision, ReviewStatus
from services.api.schemas import Body
from services.api.title_schemas import TimeRange
from services.api.values import LARGEST, Id, LanguageTag, Line, Moment, Seconds, Text, Timecode

Remark = Annotated[Text, StringConstraints(min_length=1, max_length=5000)]
_Severity = Annotated[CommentSeverity, Field(strict=False)]
_WIDEST = 65_536


class ReviewCreate(Body):
    """Whose last master is to be reviewed."""

    title: Id
    language: LanguageTag


class DecisionCreate(Body):
    """A decision on the language or, with ``shot``, on a shot by its number.

    ``keep_original`` is for shots: the next render leaves them as they were filmed. ``name`` says who decides; guests must.
    """

    decision: Annotated[ReviewDecision, Field(strict=False)]
    shot: Annotated[int, Field(ge=0, le=LARGEST)] | None = None
    note: Remark | None = None
    name: Line | None = None


class DecisionOut(BaseModel):
    """What was decided last on the language (``shot`` is null) or on a shot.

    ``by`` is a key, ``key:`` and its id, or a guest, ``guest:`` and the id of the link.
    """

    decision: ReviewDecision
    shot: int | None
    note: str | None
    by: str
    name: str | None
    at: datetime


class ReviewOut(BaseModel):
    """The review of one master.

    ``decision`` is the last one on the language, ``shots`` are the last ones on shots. ``preview`` is the contact sheet, until
    ``preview_expires_at``. ``version`` is its ETag's, and grows with every comment and decision.
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
    preview: str | None
    preview_expires_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class ReviewPage(BaseModel):
    """Reviews, newest first; ``next_cursor`` is null on the last page."""

    items: list[ReviewOut]
    next_cursor: str | None


class CommentRegion(Body):
    """A rectangle in pixels of the upright picture; ``x``, ``y`` is its upper left corner."""

    x: int = Field(ge=0, lt=_WIDEST)
    y: int = Field(ge=0, lt=_WIDEST)
    width: int = Field(ge=1, le=_WIDEST)
    height: int = Field(ge=1, le=_WIDEST)


class CommentCreate(Body):
    """What somebody says of a master: of all of it, of a time or a range (``at``), of a part of the picture (``region``).

    ``name`` says who speaks; guests must.
    """

    text: Remark
    severity: _Severity = CommentSeverity.ISSUE
    at: TimeRange | Timecode | Seconds | None = None
    region: CommentRegion | None = None
    name: Line | None = None


class CommentChange(Body):
    """How a comment is settled, ``open`` opens it again, with what ``answer``; how much it weighs. What is left out stays."""

    state: Annotated[CommentState, Field(strict=False)] | None = None
    answer: Remark | None = None
    severity: _Severity | None = None
    name: Line | None = None


class CommentOut(BaseModel):
    """A comment of a person or, with the ``code`` of a warning, of the platform (``by``).

    ``frames`` are where it is about, ``timecode`` is the first of them. ``carried``: it was settled in an earlier revision.
    """

    id: str
    review: str
    revision: int
    code: str | None
    text: str
    severity: CommentSeverity
    frames: list[FrameRange]
    timecode: str | None
    region: CommentRegion | None
    by: str
    name: str | None
    state: CommentState
    answer: str | None
    settled_by: str | None
    settled_name: str | None
    settled_at: datetime | None
    carried: bool
    created_at: datetime


class CommentPage(BaseModel):
    """Comments, newest first; ``next_cursor`` is null on the last page."""

    items: list[CommentOut]
    next_cursor: str | None


class GuestCreate(Body):
    """A link to the reviews of one language: who it is for, what it lets its holder do, and when it ends (in a week)."""

    title: Id
    language: LanguageTag
    name: Line
    may: Annotated[GuestRight, Field(strict=False)] = GuestRight.COMMENT
    expires_at: Moment | None = None


class GuestOut(BaseModel):
    """A link. ``last_used_at`` is exact to a minute."""

    id: str
    title: str
    language: str
    name: str
    may: GuestRight
    invited_by: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class GuestMade(GuestOut):
    """A link with its token, which is sent as a key is, and shown once: a replayed call has null in its place."""

    token: str | None


class GuestPage(BaseModel):
    """Links, newest first; ``next_cursor`` is null on the last page."""

    items: list[GuestOut]
    next_cursor: str | None
