from typing import Literal, cast

RunState = Literal["failed", "queued", "running", "stopped", "stopping", "succeeded"]

RUN_STATE_VALUES: set[RunState] = {
    "failed",
    "queued",
    "running",
    "stopped",
    "stopping",
    "succeeded",
}


def check_run_state(value: str) -> RunState:
    return cast(RunState, value)
