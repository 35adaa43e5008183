from typing import Literal, cast

SyncEffectDoes = Literal["cuts", "fills", "fits", "refuses"]

SYNC_EFFECT_DOES_VALUES: set[SyncEffectDoes] = {
    "cuts",
    "fills",
    "fits",
    "refuses",
}


def check_sync_effect_does(value: str) -> SyncEffectDoes:
    return cast(SyncEffectDoes, value)
