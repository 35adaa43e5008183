"""What lists can be asked for: parts of a page, times, and the caller's own metadata."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from dubbing.domain.languages import canonical
from services.api import paging
from services.api.values import Labels, Moment

_METADATA = "metadata."
_LABELS = TypeAdapter[dict[str, str]](Labels)


class PageQuery(BaseModel):
    """A page of a list. Unknown parameters are errors, never ignored; numbers are read from text."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=20, ge=1, le=100)
    cursor: str | None = Field(default=None, max_length=200)

    @property
    def before(self) -> tuple[datetime, str] | None:
        """(created_at, id) of the row that the page before ended with; raises `InvalidCursor`."""
        return None if self.cursor is None else paging.read(self.cursor)


class Listing(PageQuery):
    """A page of a list, newest first. ``metadata.NAME=VALUE`` asks for what carries that value."""

    model_config = ConfigDict(extra="allow")  # `_knows_every_parameter` refuses all others

    created_after: Moment | None = None
    created_before: Moment | None = None

    @model_validator(mode="after")
    def _knows_every_parameter(self) -> "Listing":
        for name, value in (self.model_extra or {}).items():
            if not name.startswith(_METADATA) or name == _METADATA:
                raise PydanticCustomError("extra_forbidden", "There is no parameter {name}", {"name": name})
            if not isinstance(value, str):
                raise PydanticCustomError("repeated", "{name} is given more than once", {"name": name})
        _LABELS.validate_python(self.labels)
        return self

    @property
    def labels(self) -> dict[str, str]:
        """The metadata that is asked for, by name."""
        return {name.removeprefix(_METADATA): str(value) for name, value in (self.model_extra or {}).items()}


def language_of(tag: str | None) -> str | None:
    """A language that a list is asked for, as it is kept."""
    return None if tag is None else canonical(tag)
