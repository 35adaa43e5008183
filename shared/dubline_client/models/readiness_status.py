from typing import Literal, cast

ReadinessStatus = Literal["degraded", "ok", "unavailable"]

READINESS_STATUS_VALUES: set[ReadinessStatus] = {
    "degraded",
    "ok",
    "unavailable",
}


def check_readiness_status(value: str) -> ReadinessStatus:
    return cast(ReadinessStatus, value)
