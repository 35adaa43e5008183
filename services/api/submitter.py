"""Makes jobs of the items of batches, beside the calls: one item is one transaction, which others are not kept waiting by.

Every replica of the API has a submitter; they share the work by the locks of its rows. What a replica that dies leaves is
another's, or its own when it is back.
"""

import threading
from contextlib import AbstractContextManager

import structlog

from dubbing.db.batch_models import BatchItem
from dubbing.db.engine import AWAY
from dubbing.db.models import Job
from dubbing.db.unit_of_work import UnitOfWork, unit_of_work
from dubbing.domain.languages import canonical
from dubbing.errors import DublineError, ModelUnavailable, NotFound, Outage
from services.api import batch_items, renders, submission
from services.api.batch_schemas import LipsyncItem, RenderItem
from services.api.bootstrap import Services
from services.api.requests import Caller, fingerprint
from services.api.views import job_views

_EVERY = 2.0
"""Seconds after which a submitter looks by itself, for what another replica has left."""
_TURN = 10
"""Items of one batch before those of the next."""

log = structlog.get_logger()


class Submitter(threading.Thread):
    """Runs from `start` until `stop`; `wake` makes it look at once."""

    def __init__(self, built: Services) -> None:
        super().__init__(name="submitter", daemon=True)
        self._built = built
        self._woken, self._stopped = threading.Event(), threading.Event()

    def wake(self) -> None:
        """There is something to do."""
        self._woken.set()

    def stop(self) -> None:
        """End after the item under way."""
        self._stopped.set()
        self._woken.set()
        self.join()

    def run(self) -> None:
        """Until it is stopped."""
        while not self._stopped.is_set():
            self._woken.wait(_EVERY)
            self._woken.clear()
            try:
                while not self._stopped.is_set() and self.submit_some():
                    pass
            except (Outage, *AWAY) as error:
                log.warning("submitting_waits", reason=str(error).splitlines()[0])
            except Exception:
                log.exception("submitter_crashed")

    def submit_some(self) -> bool:
        """A few items of every batch that has some left; whether there were any.

        Raises:
            Outage: the database or the object store is away; nothing is refused for that.
        """
        with self._transaction() as work:
            batches = work.batches.submitting()
        return sum(self._turn(*batch) for batch in batches) > 0  # every batch has its turn

    def _turn(self, batch_id: str, organisation_id: str) -> bool:
        for done in range(_TURN):
            if self._stopped.is_set():
                return False
            if not self._submit_next(batch_id, organisation_id):
                with self._transaction(organisation_id) as work:
                    work.batches.all_submitted(batch_id)
                return done > 0
        return True

    def _submit_next(self, batch_id: str, organisation_id: str) -> bool:
        number = 0
        try:
            with self._transaction(organisation_id) as work:
                item = work.batches.next_item(batch_id)
                if item is None:
                    return False
                number = item.number
                self._submit(work, Caller(organisation_id, "batch", batch_id, ()), item)
        except AWAY:
            raise
        except Exception as error:
            if isinstance(error, Outage) and not isinstance(error, ModelUnavailable):
                raise
            self._refuse(batch_id, organisation_id, number, error)
        return True

    def _refuse(self, batch_id: str, organisation_id: str, number: int, cause: Exception) -> None:
        if isinstance(cause, DublineError):
            error = cause
        else:
            log.error("item_crashed", batch_id=batch_id, number=number, exc_info=cause)
            error = DublineError("The item failed unexpectedly; quote the batch's id to the operator.")
        with self._transaction(organisation_id) as work:
            from_file = work.batches.from_file(batch_id)
            place = {"line": number} if from_file else {"pointer": f"/items/{number}"}
            where = batch_items.placed(error.where, place)
            work.batches.refuse(batch_id, number, {**error.problem(), "where": where})

    def _submit(self, work: UnitOfWork, caller: Caller, item: BatchItem) -> None:
        wanted = batch_items.read(item.request)
        path, body = batch_items.call_of(wanted, item.request)
        if item.key is not None:
            known = work.keys.begin(caller.organisation, item.key, fingerprint("POST", path, body))
            if known is not None:
                work.batches.submitted(item, known[1]["id"], replayed=True)
                return
        job = self._job(work, caller, wanted)
        if item.key is not None:
            answer = job_views(self._built, work, [job])[0].model_dump(mode="json")
            work.keys.answer(caller.organisation, item.key, 202, answer)
        work.batches.submitted(item, job.id, replayed=False)

    def _job(self, work: UnitOfWork, caller: Caller, wanted: LipsyncItem | RenderItem) -> Job:
        if isinstance(wanted, LipsyncItem):
            return submission.lipsync(work, self._built, caller, wanted)
        try:
            work.titles.get(wanted.title, caller.organisation)
        except NotFound as error:
            error.where = {"pointer": "/title"}
            raise
        language = work.titles.language(wanted.title, canonical(wanted.language), caller.organisation, lock=True)
        return renders.render(work, self._built, caller, language, wanted)

    def _transaction(self, organisation_id: str | None = None) -> AbstractContextManager[UnitOfWork]:
        return unit_of_work(self._built.database.sessions(), self._built.doorbell.ring, organisation_id)
