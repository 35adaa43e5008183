"""What jobs need besides the API: each part is asked whether it answers, all at once and in bounded time.

The API itself is ready when it can do its own work: write to the database, and hand out places in the object store. Jobs are
accepted while the others are away, and wait.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import structlog

from dubbing.db.engine import check_writes
from dubbing.db.roles import check_held_to_policies
from dubbing.db.unit_of_work import unit_of_work
from services.api.bootstrap import Services

OWN = frozenset({"database", "s3"})
"""The parts without which the API can do nothing for its callers."""

_SECONDS = 5.0
Check = Callable[[], object]

log = structlog.get_logger()


def reasons(built: Services) -> dict[str, str | None]:
    """Why each part cannot be used now; None where it can."""
    checks: dict[str, Check] = {"database": lambda: _ask_database(built), "redis": built.broker.ping, "s3": built.store.check}
    if built.engine.engine == "triton":
        checks["triton"] = built.catalogue.server_ready
    pool = ThreadPoolExecutor(len(checks), thread_name_prefix="readiness")
    try:
        asked = {name: pool.submit(check) for name, check in checks.items()}
        wait(asked.values(), _SECONDS)
        return {name: _reason(name, answer) for name, answer in asked.items()}
    finally:
        pool.shutdown(wait=False)


def _ask_database(built: Services) -> None:
    with unit_of_work(built.database.sessions(), built.doorbell.ring) as work:
        check_writes(work.session)
        check_held_to_policies(work.session)


def _reason(name: str, answer: Future[Any]) -> str | None:
    if not answer.done():
        log.warning("not_ready", part=name, reason="no answer")
        return f"It did not answer within {_SECONDS:.0f} seconds."
    try:
        answer.result()
    except Exception as error:  # noqa: BLE001 - whatever a client library raises is the reason
        log.warning("not_ready", part=name, reason=repr(error))
        return str(error).splitlines()[0] if str(error) else type(error).__name__
    return None
