from typing import Literal, cast

Role = Literal["auditor", "owner", "producer", "reviewer"]

ROLE_VALUES: set[Role] = {
    "auditor",
    "owner",
    "producer",
    "reviewer",
}


def check_role(value: str) -> Role:
    return cast(Role, value)
