"""What schemathesis is told about our API (its hooks; loaded by path): ids of things that exist, and one more check."""

import json
import os
import re
from typing import Any

import schemathesis

ID = re.compile(r"[a-z]{3}_[0-9a-z]{26}")
KNOWN: dict[str, str] = json.loads(os.environ.get("FUZZ_IDS", "{}"))
"""One thing that exists, by the prefix of its id."""


def existing(value: Any) -> Any:
    """Ids in ``value`` that are well formed, but drawn and so of nothing, become those of things that exist: two of three."""
    if isinstance(value, dict):
        return {key: existing(one) for key, one in value.items()}
    if isinstance(value, list):
        return [existing(one) for one in value]
    drawn = isinstance(value, str) and ID.fullmatch(value) and sum(value.encode()) % 3
    return KNOWN.get(value[:4], value) if drawn else value


@schemathesis.hook
def map_path_parameters(context: schemathesis.HookContext, path_parameters: Any) -> Any:
    del context
    return existing(path_parameters)


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    del context
    return existing(body)


@schemathesis.check
def a_refusal_of_what_fits_the_schema_says_more_than_that_it_does_not_fit(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """A request that fits may be refused for what it means (``bad_parts``), never as if it were malformed."""
    del ctx
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in {400, 422}:
        return
    code = response.json()["code"]
    assert code not in {"invalid_request", "invalid_json"}, f"{response.json()['detail']} The schema allows what was sent."
