from typing import Literal, cast

ReviewStatus = Literal["approved", "changes_requested", "in_review"]

REVIEW_STATUS_VALUES: set[ReviewStatus] = {
    "approved",
    "changes_requested",
    "in_review",
}


def check_review_status(value: str) -> ReviewStatus:
    return cast(ReviewStatus, value)
