"""A caller of the whole system that also sees its database and its processes."""

import hashlib
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb
from waiting import until

from dubbing import ids
from dubbing.domain.jobs import TERMINAL
from dubbing.settings import QueueSettings
from dubbing.storage.s3 import S3Store
from dubline_client.models import LipsyncCreate
from services.cli.client import Client
from services.stack.bootstrap import store_settings
from services.stack.local import LocalStack

Row = dict[str, Any]


class Platform:
    """A running system: its API, its store, its database and its processes.

    Args:
        system: the system.
    """

    def __init__(self, system: LocalStack) -> None:
        env = system.env()
        self.system = system
        self.client = Client(env["DUBLINE_API_URL"], env["DUBLINE_API_KEY"])
        self.store = S3Store(store_settings(env))
        self._connect()

    def _connect(self) -> None:
        address = self.system.env()["DUBLINE_DATABASE_URL"].replace("+psycopg", "")
        self._database = psycopg.connect(address, autocommit=True, row_factory=dict_row)

    def reconnect(self) -> None:
        """After the database was started again."""
        self._database.close()
        self._connect()

    def close(self) -> None:
        """Gives the connection back."""
        self._database.close()

    def submit(self, video: str, audio: str, **wishes: Any) -> str:
        """A job for two assets. It generates all chunks itself, but for those that another job has under way."""
        self._database.execute("UPDATE work_items SET key = key || id WHERE kind = 'infer' AND state = 'done'")
        body = {"video": {"type": "asset", "id": video}, "audio": {"type": "asset", "id": audio}, "seed": 7, **wishes}
        return self.client.submit(LipsyncCreate.from_dict(body)).value.id

    def ended(self, job_id: str, seconds: float = 600.0) -> Row:
        """The job when it has ended."""

        def over() -> Row | None:
            job = self.client.job(job_id)
            return job.members if job.value.status in TERMINAL else None

        found = until(over, lambda: f"{job_id} hangs: {self.items(job_id)}", seconds=seconds, every=0.3)
        assert found is not None
        return found

    def delivered(self, job_id: str) -> Row:
        """The job when it has succeeded."""
        job = self.ended(job_id)
        assert job["status"].startswith("succeeded"), f"{job['error']}\n{self.items(job_id)}"
        return job

    def items(self, job_id: str, kind: str | None = None) -> list[Row]:
        """The job's work items."""
        return self._database.execute(
            "SELECT w.* FROM work_items w JOIN job_needs n ON n.work_item_id = w.id"
            " WHERE n.job_id = %s AND (%s::text IS NULL OR w.kind = %s) ORDER BY w.key",
            (job_id, kind, kind),
        ).fetchall()

    def events(self, job_id: str) -> list[str]:
        """The types of the job's events, in order."""
        rows = self._database.execute("SELECT type FROM job_events WHERE job_id = %s ORDER BY id", (job_id,))
        return [row["type"] for row in rows.fetchall()]

    def jobs(self) -> set[str]:
        """Ids of all jobs."""
        return {row["id"] for row in self._database.execute("SELECT id FROM jobs").fetchall()}

    @contextmanager
    def in_mid_chunk(self, job_id: str) -> Iterator[Row]:
        """Stops the process that generates a chunk, when some of it is done and not all, and gives its item.

        The process goes on afterwards, if it lives.
        """
        item = until(lambda: self._caught(job_id), "no chunk is ever half done", every=0.02)
        assert item is not None
        try:
            yield item
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid_of(item), signal.SIGCONT)

    @contextmanager
    def reading_database(self) -> Iterator[None]:
        """Ends every session but our own; those that begin meanwhile only read, and so for ever."""
        self._database.execute("ALTER DATABASE dubline SET default_transaction_read_only = on")
        self._database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        try:
            yield
        finally:
            self._database.execute("ALTER DATABASE dubline RESET default_transaction_read_only")

    @contextmanager
    def without_table(self, name: str) -> Iterator[None]:
        """A table is away: whoever asks for it meets what nobody foresees."""
        self._database.execute(SQL("ALTER TABLE {} RENAME TO away").format(Identifier(name)))
        try:
            yield
        finally:
            self._database.execute(SQL("ALTER TABLE away RENAME TO {}").format(Identifier(name)))

    def works(self) -> bool:
        """Whether any work is held by a worker."""
        return bool(self._database.execute("SELECT 1 FROM work_items WHERE state = 'leased' LIMIT 1").fetchone())

    def silence(self, job_id: str) -> None:
        """The job and what was begun of it have shown no life for ten minutes."""
        self._database.execute("UPDATE jobs SET heartbeat_at = now() - interval '10 minutes' WHERE id = %s", (job_id,))
        self._database.execute(
            "UPDATE work_items SET heartbeat_at = now() - interval '10 minutes'"
            " WHERE id IN (SELECT work_item_id FROM job_needs WHERE job_id = %s)",
            (job_id,),
        )

    def garble(self, job_id: str) -> None:
        """Rows that only this job needs hold what no worker understands, and have one attempt left at what nobody foresaw."""
        begun = QueueSettings().bug_attempts - 1
        self._database.execute(
            "UPDATE work_items SET payload = '{}', attempt = %s"
            " WHERE id IN (SELECT work_item_id FROM job_needs GROUP BY work_item_id"
            " HAVING array_agg(job_id::text) = ARRAY[%s::text])",
            (begun, job_id),
        )

    @contextmanager
    def copy_of_job(self, job_id: str, **changes: Any) -> Iterator[str]:
        """A row like that of ``job_id``, with other values: its id."""
        copy = ids.new_id("job")
        self._database.execute(
            "INSERT INTO jobs SELECT (jsonb_populate_record(j, %s)).* FROM jobs j WHERE id = %s",
            (Jsonb({"id": copy, **changes}), job_id),
        )
        try:
            yield copy
        finally:
            self._database.execute("DELETE FROM jobs WHERE id = %s", (copy,))

    def _caught(self, job_id: str) -> Row | None:
        """A chunk that is half done, its process stopped; None when there is none now, or it was quicker than the signal."""
        rows = self.items(job_id, "infer")
        assert not rows or {row["state"] for row in rows} != {"done"}, "every chunk was finished before it could be stopped"
        for row in filter(_begun, rows):
            os.kill(pid_of(row), signal.SIGSTOP)
            (still,) = (again for again in self.items(job_id, "infer") if again["id"] == row["id"])
            if _begun(still):
                return still
            os.kill(pid_of(row), signal.SIGCONT)
        return None

    def made(self, job_id: str) -> dict[str, str]:
        """SHA-256 of every chunk, as it lies there now, and of the master."""
        chunks = {str(row["payload"]["chunk"]["index"]): row["payload"]["output_key"] for row in self.items(job_id, "infer")}
        prefix = ids.job_prefix(job_id)
        masters = {key.removeprefix(prefix): key for key in self.store.list_keys(prefix) if key.endswith(".mp4")}
        stored = {key for key in chunks.values() if self.store.size(key) is not None}
        made = {name: key for name, key in (chunks | masters).items() if name in masters or key in stored}
        return {name: hashlib.sha256(self.store.get_bytes(key)).hexdigest() for name, key in made.items()}


def _begun(row: Row) -> bool:
    return bool(row["state"] == "leased" and 0 < row["units_done"] < row["units_total"])


def pid_of(item: Row) -> int:
    """The process that holds an item's lease."""
    return int(item["lease_owner"].split(":")[1])
