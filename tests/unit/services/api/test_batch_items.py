"""Items of batches as they come: lines of files, faults, and what would do the same."""

import json
from typing import get_args

import pytest

from dubbing.domain.batches import ItemState, percent
from dubbing.domain.jobs import JobState
from dubbing.errors import BadInput
from services.api import batch_items
from services.api.batch_schemas import Shown
from services.api.requests import Caller, fingerprint
from services.api.schemas import LipsyncCreate

CALLER = Caller("default", "key", "k", ("jobs:write",))
DUB = {"video": {"type": "asset", "id": "ast_" + "0" * 26}, "audio": {"type": "asset", "id": "ast_" + "1" * 26}}


def test_an_item_is_shown_as_every_state_of_its_own_or_of_its_job() -> None:
    assert set(get_args(Shown)) == {*JobState, *ItemState} - {ItemState.SUBMITTED}


@pytest.mark.parametrize(
    "line",
    [b"{", b"[]", b"5", b"\xff\xfe", b"[" * 100_000, b"9" * 5000, b'{"type": "lipsync", "\\ud800": 1}', b'{"type": "\\u0000"}'],
)
def test_whatever_stands_in_a_line_is_refused_with_its_number_in_words_that_can_be_stored(line: bytes) -> None:
    (given,) = batch_items.lines(b"\n \n" + line, "/items/id")
    row = batch_items.row(given, CALLER)
    assert (row["state"], row["request"], row["number"]) == (ItemState.REFUSED, None, 3)
    assert row["error"]["where"]["line"] == 3
    text = json.dumps(row["error"], ensure_ascii=False)
    assert "\\u0000" not in text
    assert text.encode()  # no halves of surrogate pairs


@pytest.mark.parametrize("content", [b"", b"\n\n", b"{}\n" * 10_001])
def test_a_file_without_items_or_with_too_many_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput):
        batch_items.lines(content, "/items/id")


def test_an_item_is_known_again_by_what_its_own_call_is_known_by() -> None:
    request = {
        "type": "lipsync",
        "idempotency_key": "x",
        **DUB,
        "deadline": "2026-10-12T06:00:00+02:00",
        "sync": {"mode": "cut_off"},
    }
    path, body = batch_items.call_of(batch_items.read(request), request)
    direct = {name: value for name, value in request.items() if name not in ("type", "idempotency_key")}
    assert fingerprint("POST", path, body) == fingerprint("POST", "/v1/lipsyncs", LipsyncCreate.model_validate(direct))


def test_a_batch_is_as_far_as_its_items_have_ended() -> None:
    assert percent({"waiting": 1, "running": 1, "failed": 1, "refused": 1}) == 50.0
    assert percent({"succeeded": 3, "canceled": 1}) == 100.0
