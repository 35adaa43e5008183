from typing import Literal, cast

ConnectionStepStep = Literal["delete", "read", "write"]

CONNECTION_STEP_STEP_VALUES: set[ConnectionStepStep] = {
    "delete",
    "read",
    "write",
}


def check_connection_step_step(value: str) -> ConnectionStepStep:
    return cast(ConnectionStepStep, value)
