from typing import Literal, cast

ReviewRule = Literal["none", "required"]

REVIEW_RULE_VALUES: set[ReviewRule] = {
    "none",
    "required",
}


def check_review_rule(value: str) -> ReviewRule:
    return cast(ReviewRule, value)
