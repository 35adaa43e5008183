"""Where a master is downloaded from, and in which words it is said that there is none."""

import pytest

from dubbing.errors import NotFound
from dubline_client.models import JobOut
from services.api import examples
from services.cli.client import Answer, Refused
from services.cli.dub import master_of


def job(example: str) -> Answer[JobOut]:
    """What a real installation answered."""
    (answer,) = (one.answer for one in examples.exchanges() if (one.operation, one.name) == ("read_job", example))
    return Answer(JobOut.from_dict(answer), answer)


def test_a_master_is_where_its_job_says() -> None:
    assert "/output.mp4?" in master_of(job("ended"))


def test_a_master_that_waits_for_approval_is_refused_in_the_words_of_the_problem() -> None:
    with pytest.raises(Refused, match="not_approved: de asks for a review") as refused:
        master_of(job("waits-for-approval"))
    assert refused.value.is_bad_input
    assert refused.value.suggestions


def test_a_job_without_a_master_has_none() -> None:
    with pytest.raises(NotFound, match="failed"):
        master_of(job("failed"))
