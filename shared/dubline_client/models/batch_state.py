from typing import Literal, cast

BatchState = Literal["canceled", "canceling", "completed", "running", "submitting"]

BATCH_STATE_VALUES: set[BatchState] = {
    "canceled",
    "canceling",
    "completed",
    "running",
    "submitting",
}


def check_batch_state(value: str) -> BatchState:
    return cast(BatchState, value)
