from typing import Literal, cast

MasterState = Literal["delivered", "failed", "pending", "waiting"]

MASTER_STATE_VALUES: set[MasterState] = {
    "delivered",
    "failed",
    "pending",
    "waiting",
}


def check_master_state(value: str) -> MasterState:
    return cast(MasterState, value)
