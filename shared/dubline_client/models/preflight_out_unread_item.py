from typing import Literal, cast

PreflightOutUnreadItem = Literal["audio", "video"]

PREFLIGHT_OUT_UNREAD_ITEM_VALUES: set[PreflightOutUnreadItem] = {
    "audio",
    "video",
}


def check_preflight_out_unread_item(value: str) -> PreflightOutUnreadItem:
    return cast(PreflightOutUnreadItem, value)
