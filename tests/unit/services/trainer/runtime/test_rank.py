from pathlib import Path
from typing import Any

import pytest

from dubbing.domain.training import recipe_sha256
from dubbing.errors import CheckpointMismatch
from services.trainer.common.group import Group
from services.trainer.common.settings import flat
from services.trainer.recipes.offers import offered
from services.trainer.runtime.outbox import Order, Outbox
from services.trainer.runtime.rank import Rank

ONE_STEP = {"steps": 1}


def facts_of_a_run(folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    outbox = Outbox(folder)
    order = Order(
        run_id="run_1", recipe="selftest", settings=ONE_STEP, cache=folder, models=Path("model_repo").absolute(), facts=facts
    )
    Rank(outbox, order, Group()).run()
    began = next(event for event in outbox.events() if event is not None and event["kind"] == "began")
    return dict(began["facts"])


def test_a_run_says_which_recipe_it_follows_and_goes_on_with_no_other(tmp_path: Path) -> None:
    facts = facts_of_a_run(tmp_path / "first", {})
    assert facts["recipe_sha256"] == recipe_sha256(flat(offered("selftest")), ONE_STEP)
    assert facts_of_a_run(tmp_path / "resumed", facts) == facts
    with pytest.raises(CheckpointMismatch, match="began with recipe_sha256 old") as raised:
        facts_of_a_run(tmp_path / "changed", {**facts, "recipe_sha256": "old"})
    assert raised.value.where["fact"] == "recipe_sha256"


def test_a_recipe_is_another_one_when_a_default_or_a_setting_of_it_changes() -> None:
    defaults = {"steps": 200, "batch": 8}
    assert recipe_sha256(defaults, {"batch": 8}) == recipe_sha256(defaults, {})
    assert recipe_sha256(defaults, {"batch": 4}) != recipe_sha256(defaults, {})
    assert recipe_sha256({**defaults, "steps": 300}, {}) != recipe_sha256(defaults, {})
