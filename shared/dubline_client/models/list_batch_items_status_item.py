from typing import Literal, cast

ListBatchItemsStatusItem = Literal[
    "canceled", "canceling", "failed", "queued", "refused", "running", "succeeded", "succeeded_with_warnings", "waiting"
]

LIST_BATCH_ITEMS_STATUS_ITEM_VALUES: set[ListBatchItemsStatusItem] = {
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


def check_list_batch_items_status_item(value: str) -> ListBatchItemsStatusItem:
    return cast(ListBatchItemsStatusItem, value)
