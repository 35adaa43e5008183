"""Results of the same content are shared inside an organisation, and across them only where the installation says so."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from api_calls import app_of, authorised, work_through
from fastapi.testclient import TestClient
from sqlalchemy import select

from dubbing.db.models import Asset, JobNeed, WorkItem
from dubbing.db.unit_of_work import unit_of_work
from dubbing.ids import new_id
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack
WHOLE = {"probe": 2, "prepare": 1, "encode_face": 1, "encode_speech": 1, "infer": 3, "stitch": 1}
KNOWN = {"probe": 2, "stitch": 1}


def dub(services: Services, organisation: str, **wishes: Any) -> str:
    """A job of the organisation for its own copies of one film and one track; its id."""
    headers = authorised(services, organisation_id=organisation)
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        files = [
            Asset(id=new_id("ast"), organisation_id=organisation, object_key=f"assets/{n}", filename=n, size=10) for n in "va"
        ]
        work.session.add_all(files)
    video, audio = ({"type": "asset", "id": file.id} for file in files)
    with TestClient(app_of(services), headers=headers) as client:
        made = client.post("/v1/lipsyncs", json={"video": video, "audio": audio, "seed": 1, **wishes})
        assert made.status_code == 202, made.text
        return str(made.json()["id"])


def done_for(services: Services, job: str) -> Counter[str]:
    """The items by kind that workers do now, all of which the job needs."""
    with services.database.sessions()() as session:
        before = set(session.scalars(select(WorkItem.id).where(WorkItem.state == "done")))
    work_through(services)
    with services.database.sessions()() as session:
        new = session.scalars(select(WorkItem).where(WorkItem.state == "done", WorkItem.id.not_in(before))).all()
        needed = set(session.scalars(select(JobNeed.work_item_id).where(JobNeed.job_id == job)))
        assert {item.id for item in new} <= needed
    return Counter(item.kind for item in new)


def keys_of(services: Services, job: str) -> set[str]:
    """Keys of the items that the job needs."""
    with services.database.sessions()() as session:
        return set(session.scalars(select(WorkItem.key).join(JobNeed).where(JobNeed.job_id == job)))


@pytest.mark.parametrize(("across", "work"), [(False, WHOLE), (True, KNOWN)])
def test_a_file_that_another_organisation_has_is_work_unless_all_share(
    services: Services, across: bool, work: dict[str, int]
) -> None:
    services = replace(services, api=services.api.model_copy(update={"share_across_organisations": across}))
    assert done_for(services, dub(services, "north")) == WHOLE
    assert done_for(services, dub(services, "north")) == KNOWN
    assert done_for(services, dub(services, "south")) == work
    assert done_for(services, dub(services, "north", seed=2)) == {**KNOWN, "infer": 3}


def test_a_job_keeps_whom_it_shares_with(services: Services) -> None:
    job = dub(services, "north")
    work_through(services, most=3)
    changed = replace(services, api=services.api.model_copy(update={"share_across_organisations": True}))
    other = dub(changed, "south")
    work_through(changed)
    with services.database.sessions()() as session:
        keys = {
            name: set(session.scalars(select(WorkItem.key).join(JobNeed).where(JobNeed.job_id == name)))
            for name in (job, other)
        }
    assert not keys[job] & keys[other]
    assert all("organisations/north/" in key for key in keys[job] if key.startswith(("prepare", "encode", "infer")))
    assert not any("organisations/" in key for key in keys[other])
