"""Titles and their languages."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dubbing.db.models import Job
from dubbing.db.pages import Before, made_within, paged
from dubbing.db.title_models import Language, Title
from dubbing.domain.jobs import SUCCEEDED, JobState
from dubbing.domain.titles import Render
from dubbing.errors import Conflict, NotFound


class TitleFilter(NamedTuple):
    """Which titles to list; None and empty mean all. ``before`` is the (created_at, id) that the previous page ended with."""

    organisation_id: str
    name: str | None = None
    external_id: str | None = None
    language: str | None = None
    labels: Mapping[str, str] = {}
    created_after: datetime | None = None
    created_before: datetime | None = None
    before: Before = None


class Renders(NamedTuple):
    """Of one language: the job that was asked for last, and the last one that made a master."""

    latest: Render | None = None
    delivered: Render | None = None


class Titles:
    """Repository of titles and languages. Never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, title: Title) -> None:
        """Insert a title; raises `Conflict` where the organisation has one of that ``external_id``."""
        self._insert(title, f"There is a title with the external_id {title.external_id} already.", "/external_id")

    def add_language(self, language: Language) -> None:
        """Insert a language; raises `Conflict` where the title has it."""
        self._insert(language, f"The title has the language {language.language} already.", "/language")

    def _insert(self, row: Title | Language, taken: str, pointer: str) -> None:
        try:
            with self._session.begin_nested():
                self._session.add(row)
        except IntegrityError as error:
            raise Conflict(taken, where={"pointer": pointer}) from error

    def change(self, row: Title | Language, **values: Any) -> None:
        """Write a new version; the caller holds the row. Raises `Conflict` where another title has the ``external_id``."""
        for name, value in values.items():
            setattr(row, name, value)
        row.version += 1
        try:
            with self._session.begin_nested():
                self._session.flush()
        except IntegrityError as error:
            raise Conflict("There is a title with that external_id already.", where={"pointer": "/external_id"}) from error
        self._session.refresh(row)

    def get(self, title_id: str, organisation_id: str, *, lock: bool = False) -> Title:
        """The title, if it is the organisation's; raises `NotFound`."""
        statement = select(Title).where(Title.id == title_id, Title.organisation_id == organisation_id)
        title = self._session.scalar(statement.with_for_update(key_share=True) if lock else statement)
        if title is None:
            raise NotFound(f"There is no title {title_id}.", where={"pointer": "/id"})
        return title

    def language(self, title_id: str, language: str, organisation_id: str, *, lock: bool = False) -> Language:
        """One language of a title, if it is the organisation's; raises `NotFound`."""
        self.get(title_id, organisation_id)
        statement = select(Language).where(Language.title_id == title_id, Language.language == language)
        found = self._session.scalar(statement.with_for_update(key_share=True) if lock else statement)
        if found is None:
            raise NotFound(f"Title {title_id} has no language {language}.", where={"pointer": "/language"})
        return found

    def page(self, wanted: TitleFilter, limit: int) -> list[Title]:
        """Newest first."""
        statement = select(Title).where(Title.organisation_id == wanted.organisation_id)
        for column, value in ((Title.name, wanted.name), (Title.external_id, wanted.external_id)):
            if value is not None:
                statement = statement.where(column == value)
        if wanted.language is not None:
            spoken = select(Language.title_id).where(Language.language == wanted.language)
            statement = statement.where(Title.id.in_(spoken))
        if wanted.labels:
            statement = statement.where(Title.labels.contains(dict(wanted.labels)))
        statement = made_within(statement, Title, wanted.created_after, wanted.created_before)
        return list(self._session.scalars(paged(statement, Title, limit, wanted.before)))

    def languages(self, title_ids: Collection[str]) -> list[Language]:
        """The languages of these titles, by tag."""
        statement = select(Language).where(Language.title_id.in_(title_ids)).order_by(Language.title_id, Language.language)
        return list(self._session.scalars(statement))

    def names(self, title_ids: Iterable[str]) -> dict[str, str]:
        """Names by id."""
        rows = self._session.execute(select(Title.id, Title.name).where(Title.id.in_(list(title_ids))))
        return {title_id: name for title_id, name in rows}  # noqa: C416 - a Row is no tuple to mypy

    def renders(self, title_ids: Collection[str]) -> dict[tuple[str, str], Renders]:
        """What was rendered, by title and language."""
        found: dict[tuple[str, str], Renders] = {}
        for name, states in (("latest", tuple(JobState)), ("delivered", SUCCEEDED)):
            for (title_id, language), render in self._newest(title_ids, states).items():
                known = found.get((title_id, language), Renders())
                found[title_id, language] = known._replace(**{name: render})
        return found

    def _newest(self, title_ids: Collection[str], states: tuple[JobState, ...]) -> dict[tuple[str, str], Render]:
        rows = self._session.execute(
            select(Job.title_id, Job.language, Job.id, Job.revision, Job.state)
            .where(Job.title_id.in_(title_ids), Job.language.is_not(None), Job.state.in_(states))
            .ext(distinct_on(Job.title_id, Job.language))
            .order_by(Job.title_id, Job.language, Job.created_at.desc(), Job.id.desc())
        )
        found: dict[tuple[str, str], Render] = {}
        for title_id, language, job_id, revision, state in rows:
            found[str(title_id), str(language)] = Render(job_id, revision or 0, JobState(state))
        return found

    def analyses(self, title_ids: Collection[str]) -> dict[str, Job]:
        """The last analysis of each title."""
        rows = self._session.scalars(
            select(Job)
            .where(Job.title_id.in_(title_ids), Job.audio_asset.is_(None))
            .ext(distinct_on(Job.title_id))
            .order_by(Job.title_id, Job.created_at.desc(), Job.id.desc())
        )
        return {str(job.title_id): job for job in rows}
