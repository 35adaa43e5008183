from typing import Literal, cast

ReleaseState = Literal["active", "canary", "checking", "failed", "rejected", "retired"]

RELEASE_STATE_VALUES: set[ReleaseState] = {
    "active",
    "canary",
    "checking",
    "failed",
    "rejected",
    "retired",
}


def check_release_state(value: str) -> ReleaseState:
    return cast(ReleaseState, value)
