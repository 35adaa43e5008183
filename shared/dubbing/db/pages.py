"""Pages of rows, newest first. Ids break ties of time, so that a page begins exactly behind the one before."""

from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Select, tuple_

_T = TypeVar("_T")
Before = tuple[datetime, str] | None
"""(created_at, id) of the row that the page before ended with; None for the first page."""


def made_within(wanted: "Select[_T]", table: Any, after: datetime | None, before: datetime | None) -> "Select[_T]":
    """The rows of ``table`` that were made between two times; None is open."""
    if after is not None:
        wanted = wanted.where(table.created_at > after)
    if before is not None:
        wanted = wanted.where(table.created_at < before)
    return wanted


def paged(wanted: "Select[_T]", table: Any, limit: int, before: Before) -> "Select[_T]":
    """The first ``limit`` rows of ``table`` behind ``before``."""
    if before is not None:
        wanted = wanted.where(tuple_(table.created_at, table.id) < tuple_(*before))
    return wanted.order_by(table.created_at.desc(), table.id.desc()).limit(limit)
