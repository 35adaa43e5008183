from typing import Literal, cast

PreflightOutStatus = Literal["partial", "pending", "ready", "refused"]

PREFLIGHT_OUT_STATUS_VALUES: set[PreflightOutStatus] = {
    "partial",
    "pending",
    "ready",
    "refused",
}


def check_preflight_out_status(value: str) -> PreflightOutStatus:
    return cast(PreflightOutStatus, value)
