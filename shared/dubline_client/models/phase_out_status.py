from typing import Literal, cast

PhaseOutStatus = Literal["done", "pending", "running"]

PHASE_OUT_STATUS_VALUES: set[PhaseOutStatus] = {
    "done",
    "pending",
    "running",
}


def check_phase_out_status(value: str) -> PhaseOutStatus:
    return cast(PhaseOutStatus, value)
