from typing import Literal, cast

AssetState = Literal["probing", "ready", "refused"]

ASSET_STATE_VALUES: set[AssetState] = {
    "probing",
    "ready",
    "refused",
}


def check_asset_state(value: str) -> AssetState:
    return cast(AssetState, value)
