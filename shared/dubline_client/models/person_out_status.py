from typing import Literal, cast

PersonOutStatus = Literal["disabled", "enabled"]

PERSON_OUT_STATUS_VALUES: set[PersonOutStatus] = {
    "disabled",
    "enabled",
}


def check_person_out_status(value: str) -> PersonOutStatus:
    return cast(PersonOutStatus, value)
