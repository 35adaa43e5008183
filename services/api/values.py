"""The values that requests are made of: exactly what their JSON Schema says is taken, and whatever is taken can be stored.

JSON tells numbers from texts, so nothing is converted: ``"5"`` is no number, and ``true`` is no 1.
"""

import re
import sys
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from dubbing.db.keys import SCOPES
from lipforcing.contract import STUDENTS

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_FIRST, _LAST = (moment.replace(tzinfo=UTC) for moment in (datetime.min, datetime.max))  # noqa: DTZ901 - UTC is put to them
LARGEST = 2**53 - 1
"""The largest whole number that every reader of JSON keeps exactly (RFC 8259, 6)."""
_MOST = sys.float_info.max
_ONE_LINE = r"^[^\x00-\x1f\x7f]+$"
_LINE = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": _ONE_LINE}
_WITHOUT_NUL = {"pattern": r"^[^\u0000]*$"}
_LANGUAGE = (
    r"^[A-Za-z]{2,8}(-[A-Za-z]{3}){0,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?"
    r"(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*(-[0-9A-WY-Za-wy-z](-[A-Za-z0-9]{2,8})+)*(-[xX](-[A-Za-z0-9]{1,8})+)?$"
)
_DOTTED = r"^[A-Za-z0-9_.]+$"
_SCALAR = [
    {"type": "boolean"},
    {"type": "number", "minimum": -_MOST, "maximum": _MOST},
    {"type": "string", **_WITHOUT_NUL},
]
_SETTING = {"anyOf": [*_SCALAR, {"type": "array", "items": {"anyOf": _SCALAR}}]}


def _mapping(names: dict[str, Any], values: dict[str, Any], most: int) -> dict[str, Any]:
    """The schema of an object whose names all have a form: pydantic's own binds only the values of those that have it."""
    return {"type": "object", "propertyNames": names, "additionalProperties": values, "maxProperties": most}


def _storable(text: str) -> str:
    """Any text that PostgreSQL stores: it knows neither NUL nor halves of surrogate pairs."""
    if "\x00" in text:
        raise PydanticCustomError("text", "A text cannot hold a NUL character")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise PydanticCustomError("text", "A text must be valid Unicode: replace what is not")
    return text


def _written(given: Any) -> Any:
    """A date with its time as RFC 3339 writes it; pydantic would take numbers, and texts of numbers, too."""
    if not isinstance(given, str) or not _RFC_3339.fullmatch(given):
        raise PydanticCustomError("date_time", "A date with its time is written as in RFC 3339: 2026-10-12T06:00:00Z")
    return given


def whole(given: Any) -> Any:
    """``given``, its whole numbers as such: JSON does not tell 5.0 from 5."""
    if isinstance(given, list):
        return [whole(one) for one in given]
    return int(given) if isinstance(given, float) and given.is_integer() else given


def utc(moment: datetime) -> datetime:
    """The same moment in UTC. Where UTC has no such year, the nearest moment that it has: no date lies beyond."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return _FIRST if moment.year == _FIRST.year else _LAST


def _offered(preset: str) -> str:
    if preset not in STUDENTS:
        raise PydanticCustomError("model", "There is no such model: use one of {offered}", {"offered": ", ".join(STUDENTS)})
    return preset


def _known_scope(scope: str) -> str:
    if scope not in SCOPES:
        raise PydanticCustomError("scope", "There is no such scope: use some of {scopes}", {"scopes": ", ".join(SCOPES)})
    return scope


Text = Annotated[str, AfterValidator(_storable), Field(json_schema_extra=_WITHOUT_NUL)]
"""Any text that can be stored."""

FileName = Annotated[Text, StringConstraints(min_length=1, max_length=255)]
"""A file's name as its owner's system has it."""

Line = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=_ONE_LINE)]
"""A text of one line: control characters have no business in names of ours."""

Labels = Annotated[dict[Line, Line], Field(max_length=50), WithJsonSchema(_mapping(_LINE, _LINE, 50))]
"""Names and values of the caller's own."""

Moment = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(utc), Field(strict=False)]
"""A date with its time and zone, kept in UTC."""

Preset = Annotated[str, AfterValidator(_offered), Field(json_schema_extra={"enum": list(STUDENTS)})]
"""The name of a model that jobs can ask for."""

Seed = Annotated[int, Field(ge=0, le=LARGEST)]
"""What random numbers begin with."""

Finite = Annotated[float, Field(allow_inf_nan=False)]
"""A number; JSON knows neither infinity nor NaN, but readers of JSON do."""

SettingName = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=_DOTTED)]
SettingValue = bool | Annotated[int, Field(ge=-LARGEST, le=LARGEST)] | Finite | Text
Settings = Annotated[
    dict[SettingName, SettingValue | list[SettingValue]],
    Field(max_length=100),
    WithJsonSchema(_mapping({"type": "string", "minLength": 1, "maxLength": 80, "pattern": _DOTTED}, _SETTING, 100)),
]
"""Settings of a training run, by their dotted names."""

Url = Annotated[Text, StringConstraints(min_length=1, max_length=2048)]
"""Where a file can be fetched; `dubbing.storage.remote.checked` says which of them are."""

BucketUrl = Annotated[str, StringConstraints(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^\x00-\x1f\x7f]{1,1024}$")]
"""Where an object lies: its bucket, and its key as it is, with nothing escaped."""

Prefix = Annotated[str, StringConstraints(max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""The folder of a bucket in which something lies; empty for its root."""

Seconds = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
"""A time in seconds."""

Timecode = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}:[0-5][0-9]:[0-5][0-9][:;][0-9]{2,3}$")]
"""SMPTE ST 12-1, ``HH:MM:SS:FF``, or with ``;`` for drop-frame."""

Scope = Annotated[str, AfterValidator(_known_scope), Field(json_schema_extra={"enum": list(SCOPES)})]
"""What a key may do."""

LanguageTag = Annotated[str, StringConstraints(min_length=2, max_length=35, pattern=_LANGUAGE)]
"""A well-formed language tag (RFC 5646, 2.2.9, without grandfathered and private ones); `canonical` says which are known."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}_[0-9a-z]{26}$")]
