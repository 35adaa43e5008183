from typing import Literal, cast

CommentSeverity = Literal["blocker", "fyi", "issue"]

COMMENT_SEVERITY_VALUES: set[CommentSeverity] = {
    "blocker",
    "fyi",
    "issue",
}


def check_comment_severity(value: str) -> CommentSeverity:
    return cast(CommentSeverity, value)
