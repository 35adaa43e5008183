"""A recipe with all that it starts from: what is missing is run, one after the other, and the last run is published."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from dubbing.domain.training import check_chain, in_order, recipe_sha256, unknown_recipe
from dubbing.errors import InvalidSetting
from dubline_client.api.training import list_recipes, list_runs, list_versions, publish_run, read_run, resume_run, start_run
from dubline_client.models import Publish, RecipeOffer, ReleaseOut, RunCreate, RunCreateSettings, RunOut
from services.cli.client import Client, refused

Tell = Callable[[str, str, dict[str, Any]], None]
_RUNS_LISTED = 100  # newest runs
_UNFIT = ("failed", "stopping")
_POLL_SECONDS, _OFFER_SECONDS = 2.0, 120.0  # seconds


class Chain:
    """Makes runs through the API.

    A run with the same recipe, settings and processes that is there already is gone on with, unless the recipe's defaults
    have changed since it began.

    Args:
        client: of the API.
        settings: by name; each goes to every recipe that has it.
        processes: of every run.
        tell: (recipe, kind of event, its data) as they come.
        fresh: make every run anew.

    Raises:
        InvalidSetting: there is no such recipe, or no recipe of the chain has a setting of that name.
        Refused: a run was refused or failed.
    """

    def __init__(self, client: Client, settings: Mapping[str, Any], processes: int, tell: Tell, *, fresh: bool = False) -> None:
        self._client, self._settings, self._processes, self._tell, self._fresh = client, dict(settings), processes, tell, fresh
        self._offers = _offers(client)
        self._made: dict[str, RunOut] = {}

    def recipes(self, last: str) -> list[str]:
        """Names in the order in which they are run; ``last`` comes last."""
        if last not in self._offers:
            none = unknown_recipe(last, self._offers)
            advice = none.suggestions if self._offers else ("start a trainer (DUBLINE_TRAINER_ENABLED=true)",)
            raise InvalidSetting(none.detail, where={"argument": "RECIPE"}, suggestions=advice)
        return in_order(last, {name: tuple(offer.starts.to_dict().values()) for name, offer in self._offers.items()})

    def make(self, last: str) -> RunOut:
        """The finished run of ``last``, after those of everything that it starts from."""
        names = self.recipes(last)
        check_chain(self._settings, {name: self._offers[name].settings.to_dict() for name in names})
        for name in names:
            self._made[name] = self._finished(name)
        return self._made[last]

    def publish(self, run: RunOut, share: float) -> ReleaseOut:
        """The version that ``run`` became, or did not, when the gate has spoken.

        Raises:
            Refused: what the recipe makes is no model that is served.
        """
        self._client.change(partial(publish_run.sync_detailed, run.id, body=Publish(share)))
        shown = None
        while (found := self._version(run)).status == "checking":
            if found.progress is not None and found.progress != shown:
                shown = found.progress
                self._tell(run.recipe, "version.measuring", shown.to_dict())
            time.sleep(_POLL_SECONDS)
        return found

    def _finished(self, name: str) -> RunOut:
        run = self._begun(name)
        for kind, data in self._client.events(f"/v1/training-runs/{run.id}/events"):
            self._tell(name, kind, data)
        run = self._client.read(partial(read_run.sync_detailed, run.id)).value
        if run.status != "succeeded":
            stopped = {"code": "run_stopped", "detail": f"Run {run.id} of {name} was stopped."}
            raise refused(run.error.to_dict() if run.error else stopped)
        return run

    def _begun(self, name: str) -> RunOut:
        offer = self._offers[name]
        defaults = offer.settings.to_dict()
        settings = {key: value for key, value in self._settings.items() if key in defaults}
        settings |= {setting: self._made[recipe].id for setting, recipe in offer.starts.to_dict().items()}
        wanted = (name, settings, self._processes)
        for run in [] if self._fresh else self._client.read(partial(list_runs.sync_detailed, limit=_RUNS_LISTED)).value.items:
            same = (run.recipe, run.settings.to_dict(), run.processes) == wanted and run.status not in _UNFIT
            now = recipe_sha256(defaults, run.settings.to_dict())
            if same and run.facts.to_dict().get("recipe_sha256", now) == now:
                self._tell(name, "run.found", {"at": run.created_at.isoformat(), "id": run.id})
                resumed = partial(resume_run.sync_detailed, run.id)
                return self._client.change(resumed).value if run.status == "stopped" else run
        body = RunCreate(name, RunCreateSettings.from_dict(settings), self._processes)
        return self._client.change(partial(start_run.sync_detailed, body=body)).value

    def _version(self, run: RunOut) -> ReleaseOut:
        model = str(self._offers[run.recipe].preset)
        found = self._client.read(partial(list_versions.sync_detailed, model)).value.items
        return next(item for item in found if item.run == run.id)


def _offers(client: Client) -> dict[str, RecipeOffer]:
    """Recipes by name, when a trainer that has just been started has said what it can do."""
    late = time.monotonic() + _OFFER_SECONDS
    while not (found := client.read(list_recipes.sync_detailed).value.items) and time.monotonic() < late:
        time.sleep(_POLL_SECONDS)
    return {offer.name: offer for offer in found}
