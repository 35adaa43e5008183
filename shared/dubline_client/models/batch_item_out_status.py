from typing import Literal, cast

BatchItemOutStatus = Literal[
    "canceled", "canceling", "failed", "queued", "refused", "running", "succeeded", "succeeded_with_warnings", "waiting"
]

BATCH_ITEM_OUT_STATUS_VALUES: set[BatchItemOutStatus] = {
    "canceled",
    "canceling",
    "failed",
    "queued",
    "refused",
    "running",
    "succeeded",
    "succeeded_with_warnings",
    "waiting",
}


def check_batch_item_out_status(value: str) -> BatchItemOutStatus:
    return cast(BatchItemOutStatus, value)
