from typing import Literal, cast

GuestRight = Literal["comment", "decide", "read"]

GUEST_RIGHT_VALUES: set[GuestRight] = {
    "comment",
    "decide",
    "read",
}


def check_guest_right(value: str) -> GuestRight:
    return cast(GuestRight, value)
