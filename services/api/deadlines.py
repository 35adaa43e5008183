"""Deadlines are promised, or refused with the estimate."""

from datetime import datetime
from enum import StrEnum

from dubbing.db.models import Job
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.errors import DeadlineUnmeetable
from dubbing.workflow.estimates import Estimate, Estimates

_WHERE = {"pointer": "/deadline"}
_TRY = 'send "deadline_policy": "try" to have it done as soon as possible all the same'


class DeadlinePolicy(StrEnum):
    """What to do with a deadline that cannot be met: refuse it (``require``), or take it for an order of work (``try``)."""

    REQUIRE = "require"
    TRY = "try"


def require(work: UnitOfWork, job: Job, policy: DeadlinePolicy) -> None:
    """Refuse the deadline of a job, as it stands in this transaction, if the job would be late by what is known of it.

    What cannot be foreseen is not refused: a file that nobody has read yet, a queue that nobody serves at this moment. The
    sweeper looks at such jobs again, and tells when they are at risk.

    Raises:
        DeadlineUnmeetable: it has passed, or the estimate is later.
    """
    if job.deadline is None or policy is DeadlinePolicy.TRY:
        return
    if job.deadline <= work.now():
        raise DeadlineUnmeetable(
            f"The deadline, {_shown(job.deadline)}, has passed.",
            where=_WHERE,
            suggestions=("send a later deadline, or none", _TRY),
        )
    estimate = Estimates(work).of([job]).get(job.id)
    if estimate is not None and estimate.measured and estimate.finish_at > job.deadline:
        raise _late(job.deadline, estimate)


def _late(deadline: datetime, estimate: Estimate) -> DeadlineUnmeetable:
    finish = _shown(estimate.finish_at)
    return DeadlineUnmeetable(
        f"The job would be done at {finish} at the earliest; the deadline is {_shown(deadline)}.",
        where=_WHERE,
        suggestions=(f"send a deadline after {finish}", _TRY),
        media={"estimated_finish_at": finish, "estimated_seconds": round(estimate.seconds, 1)},
    )


def _shown(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
