"""Deadlines that may be missed: told once, as soon as the estimate is late, until it is in time again."""

from datetime import datetime, timedelta

from dubbing.db.models import Job
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.jobs import LIVE
from dubbing.workflow.estimates import Estimate, Estimates

_CLEARLY = 0.1
_LEAST = timedelta(seconds=5)


def is_at_risk(deadline: datetime, now: datetime, estimate: Estimate | None, *, was: bool) -> bool:
    """Whether a job may miss its deadline.

    Args:
        deadline: of the job.
        now: by the database's clock.
        estimate: None while nobody serves the job.
        was: what was found before. It stays until the job is in time by a tenth of the time that is left, so that an estimate
            on the edge is told once.
    """
    if now >= deadline or estimate is None:
        return True
    if not estimate.measured:
        return was  # the length of a file that nobody has read is a guess, which neither raises an alarm nor ends one
    margin = max((deadline - now) * _CLEARLY, _LEAST) if was else timedelta()
    return estimate.finish_at + margin > deadline


def changed(work: UnitOfWork) -> dict[str, Estimate | None]:
    """The jobs whose deadlines are at risk now and were not before, or the other way round, with their estimates."""
    due = work.jobs.due()
    if not due:
        return {}
    found, now = Estimates(work).of(due), work.now()
    return {
        job.id: found.get(job.id)
        for job in due
        if job.deadline is not None
        and is_at_risk(job.deadline, now, found.get(job.id), was=job.deadline_at_risk) != job.deadline_at_risk
    }


def settle(work: UnitOfWork, job_id: str, estimate: Estimate | None) -> Job | None:
    """Write down what `changed` found of a job, unless the job has changed since; the job if it is at risk from now on."""
    job = work.jobs.lock(job_id)
    if job.state not in LIVE or job.deadline is None:
        return None
    risky = is_at_risk(job.deadline, work.now(), estimate, was=job.deadline_at_risk)
    if risky == job.deadline_at_risk:
        return None
    if risky:
        work.jobs.put_at_risk(job, estimate and estimate.finish_at)
        return job
    job.deadline_at_risk = False
    return None
