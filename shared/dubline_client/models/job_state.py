from typing import Literal, cast

JobState = Literal["canceled", "canceling", "failed", "queued", "running", "succeeded", "succeeded_with_warnings"]

JOB_STATE_VALUES: set[JobState] = {
    "canceled",
    "canceling",
    "failed",
    "queued",
    "running",
    "succeeded",
    "succeeded_with_warnings",
}


def check_job_state(value: str) -> JobState:
    return cast(JobState, value)
