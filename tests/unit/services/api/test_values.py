"""What requests are made of: what fits the schema is taken, nothing else is, and what is taken can be stored."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from services.api.schemas import LipsyncCreate, UploadCreate
from services.api.training_schemas import RunCreate
from services.api.values import LARGEST, Moment

MOMENTS = TypeAdapter(Moment)
REF = {"type": "asset", "id": "ast_00000000000000000000000000"}
DUB = {"video": REF, "audio": REF}


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-10-12T06:00:00Z", datetime(2026, 10, 12, 6, tzinfo=UTC)),
        ("2026-10-12T06:00:00.5+02:00", datetime(2026, 10, 12, 4, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-10-12t06:00:00-23:59", datetime(2026, 10, 13, 5, 59, tzinfo=UTC)),  # further than any zone that a database knows
        ("0001-01-01T00:00:00+14:00", datetime.min.replace(tzinfo=UTC)),
        ("9999-12-31T23:59:59-14:00", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_a_time_in_any_zone_is_kept_in_utc_as_near_as_the_calendar_allows(written: str, moment: datetime) -> None:
    assert MOMENTS.validate_python(written) == moment
    assert MOMENTS.validate_python(written).tzinfo is UTC


@pytest.mark.parametrize(
    "given", [1_700_000_000, "1700000000", "2026-10-12", "2026-10-12T06:00:00", "2026-10-12T06:00Z", "", True]
)
def test_a_time_that_rfc_3339_does_not_know_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError):
        MOMENTS.validate_python(given)


@pytest.mark.parametrize("size", ["5", True, 5.5, None, float("nan"), float("inf")])
def test_nothing_is_converted_into_a_number(size: Any) -> None:
    with pytest.raises(ValidationError):
        UploadCreate.model_validate({"filename": "a.mp4", "size": size})


def test_a_whole_number_may_be_written_with_a_point() -> None:
    assert UploadCreate.model_validate({"filename": "a.mp4", "size": 5.0}).size == 5
    assert LipsyncCreate.model_validate({**DUB, "audio": {**REF, "channels": [2.0, 1]}}).audio.channels == [2, 1]


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_texts_that_cannot_be_stored_are_refused_wherever_they_stand(text: str) -> None:
    for body, change in [
        (UploadCreate, {"filename": text, "size": 1}),
        (LipsyncCreate, {**DUB, "metadata": {text: "b"}}),
        (LipsyncCreate, {**DUB, "metadata": {"a": text}}),
        (LipsyncCreate, {**DUB, "model": text}),
        (RunCreate, {"recipe": "r", "settings": {"name": text}}),
        (RunCreate, {"recipe": "r", "settings": {"names": [text]}}),
        (RunCreate, {"recipe": text}),
    ]:
        with pytest.raises(ValidationError):
            body.model_validate(change)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 10**400])
def test_a_setting_is_a_number_that_json_and_the_trainer_know(value: Any) -> None:
    with pytest.raises(ValidationError):
        RunCreate.model_validate({"recipe": "r", "settings": {"lr": value}})


def test_unknown_members_are_refused_at_every_depth() -> None:
    for change in ({"surprise": 1}, {"sync": {"surprise": 1}}, {"options": {"surprise": 1}}, {"video": {**REF, "surprise": 1}}):
        with pytest.raises(ValidationError, match="surprise"):
            LipsyncCreate.model_validate({**DUB, **change})


def test_a_seed_is_one_that_every_reader_keeps() -> None:
    assert LipsyncCreate.model_validate({**DUB, "seed": LARGEST}).seed == LARGEST
    with pytest.raises(ValidationError):
        LipsyncCreate.model_validate({**DUB, "seed": LARGEST + 1})
