from typing import Literal, cast

KeyCreateScopesItem = Literal[
    "assets:read",
    "assets:write",
    "jobs:read",
    "jobs:write",
    "keys:read",
    "keys:write",
    "people:read",
    "people:write",
    "titles:read",
    "titles:write",
    "training:read",
    "training:write",
    "webhooks:read",
    "webhooks:write",
]

KEY_CREATE_SCOPES_ITEM_VALUES: set[KeyCreateScopesItem] = {
    "assets:read",
    "assets:write",
    "jobs:read",
    "jobs:write",
    "keys:read",
    "keys:write",
    "people:read",
    "people:write",
    "titles:read",
    "titles:write",
    "training:read",
    "training:write",
    "webhooks:read",
    "webhooks:write",
}


def check_key_create_scopes_item(value: str) -> KeyCreateScopesItem:
    return cast(KeyCreateScopesItem, value)
