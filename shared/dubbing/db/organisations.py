"""Organisations: whose keys, files, jobs and runs are."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dubbing.db.models import Organisation


class Organisations:
    """Repository of organisations. Never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def ensure(self, organisation_id: str) -> None:
        """Make the organisation unless it is there."""
        self._session.execute(insert(Organisation).values(id=organisation_id, name=organisation_id).on_conflict_do_nothing())
