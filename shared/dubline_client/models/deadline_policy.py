from typing import Literal, cast

DeadlinePolicy = Literal["require", "try"]

DEADLINE_POLICY_VALUES: set[DeadlinePolicy] = {
    "require",
    "try",
}


def check_deadline_policy(value: str) -> DeadlinePolicy:
    return cast(DeadlinePolicy, value)
