from typing import Literal, cast

SyncMeasure = Literal["opening_and_loudness", "syncnet_v2"]

SYNC_MEASURE_VALUES: set[SyncMeasure] = {
    "opening_and_loudness",
    "syncnet_v2",
}


def check_sync_measure(value: str) -> SyncMeasure:
    return cast(SyncMeasure, value)
