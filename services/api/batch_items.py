"""Items of batches: read from a body or the lines of a file, each judged by itself."""

import json
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from dubbing.domain.batches import ItemState
from dubbing.errors import BadInput, Forbidden
from services.api import problems
from services.api.batch_schemas import LipsyncItem, OneItem, RenderItem
from services.api.requests import Caller
from services.api.schemas import LipsyncCreate
from services.api.title_schemas import RenderCreate

MOST_LINES = 10_000
MOST_BYTES = 32 << 20
_RENDERS = "titles:write"
_ITEMS: TypeAdapter[LipsyncItem | RenderItem] = TypeAdapter(OneItem)


class RawItem(NamedTuple):
    """An item as it came: its number, what is in the place of ``/`` of its problems, and the JSON, None where it is none."""

    number: int
    place: dict[str, Any]
    request: Any


def inline(items: list[dict[str, Any]]) -> Iterator[RawItem]:
    """The items of a body."""
    for number, item in enumerate(items):
        yield RawItem(number, {"pointer": f"/items/{number}"}, item)


def lines(content: bytes, pointer: str) -> list[RawItem]:
    """The items of a file; lines without anything are left out.

    Raises:
        BadInput: there are none, or too many.
    """
    found = [RawItem(at, {"line": at}, _json(line)) for at, line in enumerate(content.split(b"\n"), 1) if line.strip()]
    if not 0 < len(found) <= MOST_LINES:
        raise BadInput(f"The file has {len(found)} lines; a batch has 1 to {MOST_LINES}.", where={"pointer": pointer})
    return found


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):  # also what is no UTF-8, or has numbers of thousands of digits
        return None


def row(given: RawItem, caller: Caller) -> dict[str, Any]:
    """The columns of an item: it waits to become a job, or is refused for what can be seen at once."""
    problem, key = None, None
    if not isinstance(given.request, dict):
        problem = BadInput("An item is a JSON object.", where=given.place).problem()
    else:
        try:
            item = read(given.request)
        except ValidationError as error:
            problem = _invalid(error, given)
        else:
            key = item.idempotency_key
            if isinstance(item, RenderItem) and _RENDERS not in caller.scopes:
                problem = Forbidden(f"The API key lacks the scope {_RENDERS}.", where=given.place).problem()
    return {
        "number": given.number,
        "state": ItemState.WAITING if problem is None else ItemState.REFUSED,
        "key": key,
        "request": given.request if problem is None else None,
        "error": problem and _storable(problem),
    }


def read(request: Any) -> LipsyncItem | RenderItem:
    """A typed item; raises pydantic's `ValidationError`."""
    return _ITEMS.validate_python(request)


def call_of(item: LipsyncItem | RenderItem, request: Any) -> tuple[str, LipsyncCreate | RenderCreate]:
    """Path and body of the call that would do the same."""
    if isinstance(item, RenderItem):
        path = f"/v1/titles/{item.title}/languages/{item.language}/render"
        return path, RenderCreate.model_validate(_without(request, RenderItem.model_fields.keys() - RenderCreate.model_fields))
    own = LipsyncItem.model_fields.keys() - LipsyncCreate.model_fields
    return "/v1/lipsyncs", LipsyncCreate.model_validate(_without(request, own))


def _without(request: dict[str, Any], own: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in request.items() if name not in own}


def _invalid(error: ValidationError, given: RawItem) -> dict[str, Any]:
    """As `problems.from_validation` would say it of a body of its own; which kind of item was read is no part of the place."""
    faults = [problems.fault({**item, "loc": ("body", *item["loc"][1:])}) for item in error.errors(include_url=False)]
    return problems.invalid([placed(fault, given.place) for fault in faults])


def placed(where: dict[str, Any], place: dict[str, Any]) -> dict[str, Any]:
    """A place inside an item, said of the whole batch."""
    pointer = where.get("pointer", "").removesuffix("/")
    if "pointer" in place:
        return {**where, "pointer": place["pointer"] + pointer}
    return {**where, **place, "pointer": pointer or "/"}


def _storable(value: Any) -> Any:
    """What was sent may be named in a problem, and need be no valid Unicode."""
    if isinstance(value, dict):
        return {_storable(name): _storable(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_storable(one) for one in value]
    return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode() if isinstance(value, str) else value
