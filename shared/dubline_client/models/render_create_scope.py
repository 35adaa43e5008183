from typing import Literal, cast

RenderCreateScope = Literal["all", "ranges", "shots", "stale"]

RENDER_CREATE_SCOPE_VALUES: set[RenderCreateScope] = {
    "all",
    "ranges",
    "shots",
    "stale",
}


def check_render_create_scope(value: str) -> RenderCreateScope:
    return cast(RenderCreateScope, value)
