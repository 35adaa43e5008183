"""ETags of things that several people change: a change that names the version that it was made from is refused when it is old.

RFC 9110, 8.8.3 and 13.1.1.
"""

from typing import Annotated

from fastapi import Header, Response

from dubbing.errors import PreconditionFailed

ANY = "*"
IfMatch = Annotated[
    str,
    Header(
        alias="If-Match",
        max_length=1000,
        description="The ETag that was read, or several; `*`, or none, makes the change whatever it meets.",
    ),
]


def etag(version: int) -> str:
    """The ETag of a version."""
    return f'"v{version}"'


def show(response: Response, version: int) -> None:
    """Put the ETag on an answer."""
    response.headers["ETag"] = etag(version)


def check(if_match: str, version: int) -> None:
    """Refuse a change that was made from another version.

    Raises:
        PreconditionFailed: somebody else was faster.
    """
    if not {ANY, etag(version)} & {tag.strip() for tag in if_match.split(",")}:
        raise PreconditionFailed(
            f"It has changed since you read it: it is at {etag(version)} now, not at {if_match}.",
            where={"header": "If-Match"},
            suggestions=("read it again, look at what changed, then send your change with its new ETag",),
        )
