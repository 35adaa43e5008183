from typing import Literal, cast

PreflightOutWaitingForItem = Literal["audio", "compare", "video"]

PREFLIGHT_OUT_WAITING_FOR_ITEM_VALUES: set[PreflightOutWaitingForItem] = {
    "audio",
    "compare",
    "video",
}


def check_preflight_out_waiting_for_item(value: str) -> PreflightOutWaitingForItem:
    return cast(PreflightOutWaitingForItem, value)
