from typing import Literal, cast

ReviewDecision = Literal["approve", "keep_original", "request_changes"]

REVIEW_DECISION_VALUES: set[ReviewDecision] = {
    "approve",
    "keep_original",
    "request_changes",
}


def check_review_decision(value: str) -> ReviewDecision:
    return cast(ReviewDecision, value)
