"""Opaque cursors: where a page of rows, newest first, ended."""

import base64
import binascii
import re
from datetime import datetime
from typing import Any, Protocol, TypeVar

from dubbing.errors import InvalidCursor
from services.api.values import utc

_NUMBER = re.compile(rb"#([0-9]{1,9})")
_Row = TypeVar("_Row", bound="PageRow")


class PageRow(Protocol):
    """A row that pages are made of."""

    id: Any
    created_at: Any


def cursor(row: PageRow) -> str:
    """The cursor that points behind ``row``."""
    return base64.urlsafe_b64encode(f"{row.created_at.isoformat()} {row.id}".encode()).decode()


def cut(found: list[_Row], limit: int) -> tuple[list[_Row], str | None]:
    """The page, and the cursor of the next one; ``found`` has a row more than ``limit`` where there is one."""
    page = found[:limit]
    return page, cursor(page[-1]) if len(found) > limit else None


def read(text: str) -> tuple[datetime, str]:
    """(created_at, id) of the row that a cursor points behind; raises `InvalidCursor`."""
    try:
        when, row_id = base64.b64decode(text, altchars=b"-_", validate=True).decode("ascii").split(" ")
        at = datetime.fromisoformat(when)
    except (ValueError, binascii.Error) as error:
        raise _bad() from error
    if at.tzinfo is None or "\x00" in row_id:
        raise _bad()
    return utc(at), row_id


def number_cursor(number: int) -> str:
    """The cursor that points behind what has that number."""
    return base64.urlsafe_b64encode(f"#{number}".encode()).decode()


def read_number(text: str) -> int:
    """The number that a cursor points behind; raises `InvalidCursor`."""
    try:
        found = _NUMBER.fullmatch(base64.b64decode(text, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error) as error:
        raise _bad() from error
    if found is None:
        raise _bad()
    return int(found[1])


def _bad() -> InvalidCursor:
    return InvalidCursor("The cursor is not one that a page gave.", where={"parameter": "cursor"})
