from pathlib import Path
from typing import Any

import pytest

from dubbing import clock
from dubbing.domain.training import recipe_sha256
from dubbing.errors import CheckpointMismatch
from services.trainer.common.group import Group
from services.trainer.common.settings import flat
from services.trainer.recipes.offers import offered
from services.trainer.runtime.outbox import Order, Outbox
from services.trainer.runtime.rank import Rank, TimeLeft

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


def test_the_time_left_is_that_of_the_last_steps_and_a_slow_first_one_says_nothing_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = [60.0, *([1.0, 1.0, 1.0, 1.0, 6.0] * 20)]  # a warm-up, then every fifth step trains two networks
    now = 0.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    time_left, said = TimeLeft(), []
    for number, took in enumerate(seconds):
        now += took
        said.append(time_left.after_step(len(seconds) - 1 - number))
    assert said[0] == 60.0 * 100, "of one step nothing better is known"
    assert said[1] == 99.0
    for number in range(10, len(seconds)):
        assert said[number] == pytest.approx(sum(seconds[number + 1 :]), rel=0.25, abs=6)
    assert said[-1] == 0.0
