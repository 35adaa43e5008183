from typing import Literal, cast

SyncMode = Literal["cut_off", "silence", "strict"]

SYNC_MODE_VALUES: set[SyncMode] = {
    "cut_off",
    "silence",
    "strict",
}


def check_sync_mode(value: str) -> SyncMode:
    return cast(SyncMode, value)
