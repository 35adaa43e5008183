from typing import Literal, cast

ShotProgressStatus = Literal["done", "running", "skipped", "waiting"]

SHOT_PROGRESS_STATUS_VALUES: set[ShotProgressStatus] = {
    "done",
    "running",
    "skipped",
    "waiting",
}


def check_shot_progress_status(value: str) -> ShotProgressStatus:
    return cast(ShotProgressStatus, value)
