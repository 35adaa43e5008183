from typing import Literal, cast

CommentState = Literal["best_possible", "creative_intent", "fix", "not_an_issue", "open"]

COMMENT_STATE_VALUES: set[CommentState] = {
    "best_possible",
    "creative_intent",
    "fix",
    "not_an_issue",
    "open",
}


def check_comment_state(value: str) -> CommentState:
    return cast(CommentState, value)
