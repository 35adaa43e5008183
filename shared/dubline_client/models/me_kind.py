from typing import Literal, cast

MeKind = Literal["key", "person"]

ME_KIND_VALUES: set[MeKind] = {
    "key",
    "person",
}


def check_me_kind(value: str) -> MeKind:
    return cast(MeKind, value)
