from typing import Literal, cast

RoleSource = Literal["organisation", "provider"]

ROLE_SOURCE_VALUES: set[RoleSource] = {
    "organisation",
    "provider",
}


def check_role_source(value: str) -> RoleSource:
    return cast(RoleSource, value)
