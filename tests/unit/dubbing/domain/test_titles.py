"""Where a language stands follows from its revision and its jobs; masters are called what their template says."""

import pytest

from dubbing.domain.jobs import JobState
from dubbing.domain.reviews import ReviewStatus
from dubbing.domain.titles import LanguageStatus, Render, file_stem, language_status

RUNNING, QUEUED, CANCELED = JobState.RUNNING, JobState.QUEUED, JobState.CANCELED
DONE, WARNED, FAILED = JobState.SUCCEEDED, JobState.SUCCEEDED_WITH_WARNINGS, JobState.FAILED
# The last job and the last one that made a master (each its revision and its end), and the status at revision 2.
CASES: dict[str, tuple[tuple[int, JobState] | None, tuple[int, JobState] | None, str]] = {
    "nothing asked for": (None, None, "draft"),
    "waiting": ((2, QUEUED), None, "queued"),
    "waiting again": ((2, QUEUED), (1, DONE), "queued"),
    "running": ((2, RUNNING), None, "processing"),
    "being cancelled": ((2, JobState.CANCELING), (2, DONE), "processing"),
    "rendered": ((2, DONE), (2, DONE), "completed"),
    "rendered with warnings": ((2, WARNED), (2, WARNED), "completed"),
    "the sound was replaced": ((1, DONE), (1, DONE), "stale"),
    "failed": ((2, FAILED), None, "failed"),
    "failed where an older master is": ((2, FAILED), (1, DONE), "failed"),
    "failed for a sound that was replaced": ((1, FAILED), None, "draft"),
    "cancelled": ((2, CANCELED), None, "draft"),
    "cancelled where an older master is": ((2, CANCELED), (1, DONE), "stale"),
    "made again and failed: the master is good": ((2, FAILED), (2, DONE), "completed"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_language_stands_where_its_jobs_have_brought_it(name: str) -> None:
    latest, delivered, status = CASES[name]
    jobs = [None if job is None else Render("job_1", *job) for job in (latest, delivered)]
    assert language_status(2, *jobs) == LanguageStatus(status)


@pytest.mark.parametrize("review", list(ReviewStatus))
def test_a_language_whose_master_is_reviewed_stands_where_the_review_stands(review: ReviewStatus) -> None:
    done, newer = Render("job_1", 2, DONE), Render("job_2", 2, RUNNING)
    assert language_status(2, done, done, review) == LanguageStatus(review.value)
    assert language_status(3, done, done, review) is LanguageStatus.STALE
    assert language_status(2, newer, done, review) is LanguageStatus.PROCESSING


NAMES = {
    "{title}_{language}_v{revision}": "Nuit-1_pt-BR_v3",
    "{language}/{title}": "pt-BR-Nuit-1",
    "../../{title}": "Nuit-1",
    "...": "pt-BR-v3",
    "été {revision}": "été-3",
}


@pytest.mark.parametrize("template", NAMES)
def test_a_master_is_called_what_its_template_says_in_characters_that_every_system_takes(template: str) -> None:
    assert file_stem(template, title="Nuit: 1", language="pt-BR", revision=3) == NAMES[template]
