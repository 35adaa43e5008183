from typing import Literal, cast

DeliveryState = Literal["delivered", "failed", "pending"]

DELIVERY_STATE_VALUES: set[DeliveryState] = {
    "delivered",
    "failed",
    "pending",
}


def check_delivery_state(value: str) -> DeliveryState:
    return cast(DeliveryState, value)
