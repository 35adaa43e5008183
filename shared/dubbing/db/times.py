"""The database's clock: the only one that all hosts share, so that leases and whatever is compared with them go by it.

``clock_timestamp()`` and not ``now()``, which is the start of the transaction: one that waits for a lock would show life in
the past.
"""

from datetime import datetime, timedelta

from sqlalchemy import DateTime, func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

NOW: ColumnElement[datetime] = func.clock_timestamp(type_=DateTime(timezone=True))
"""The time of day, in statements."""


def in_(seconds: float) -> ColumnElement[datetime]:
    """``seconds`` from now, in statements."""
    return NOW + timedelta(seconds=seconds)


def ago(seconds: float) -> ColumnElement[datetime]:
    """``seconds`` before now, in statements."""
    return NOW - timedelta(seconds=seconds)


def now(session: Session) -> datetime:
    """The time of day, aware, in UTC."""
    return session.execute(select(NOW)).scalar_one()
