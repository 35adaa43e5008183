"""What tests of the API share: keys, work done as workers would, and the shape of problems."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import platform_results as results
from fastapi import FastAPI
from sqlalchemy import select

from dubbing.db.engine import Database
from dubbing.db.keys import create_api_key
from dubbing.db.models import WorkItem
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.frozen import Frozen
from dubbing.domain.work import PAYLOADS, WorkKind
from dubbing.workflow.advance import Advancer
from services.api.bootstrap import Services
from services.api.main import create_app

MIB = 1 << 20


def app_of(services: Services) -> FastAPI:
    """The API as it is deployed: its role in the database sees one organisation at a time."""
    database = Database(services.database.settings.for_api())
    return create_app(replace(services, database=database))


Answer = Callable[[str, Any], Frozen]
UNKNOWN = "0" * 26


def authorised(services: Services, **options: Any) -> dict[str, str]:
    with services.database.sessions().begin() as session:
        return {"Authorization": f"Bearer {create_api_key(session, 'test', **options)}"}


def work_through(services: Services, *kinds: WorkKind, most: int = 1000, answer: Answer = results.answer) -> None:
    """Do what workers would, up to ``most`` items, with these results."""
    for _ in range(most):
        with services.database.sessions().begin() as session:
            work = UnitOfWork(session)
            item = work.items.claim(kinds or tuple(WorkKind), "w", 60)
            if item is None:
                return
            work.jobs.started(item.id)
            result = answer(item.kind, PAYLOADS[item.kind].model_validate(item.payload))
            work.items.complete(item, result.model_dump(mode="json"))
            Advancer(work, 8).item_ended(item.id)
            work.publish()


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    members: dict[str, Any] = answer.json()
    assert members["code"] == code
    assert members["status"] == status
    assert members["request_id"] == answer.headers["X-Request-Id"]
    assert {"type", "title", "detail", "instance"} <= set(members)
    return members


def put_analysis(services: Services) -> None:
    """What the analysis of the title would have written."""
    with services.database.sessions()() as session:
        tasks = session.scalars(select(WorkItem.payload).where(WorkItem.kind == WorkKind.PREPARE)).all()
    for task in tasks:
        services.store.put_bytes(task["analysis_key"], results.analysis().model_dump_json().encode(), "application/json")
