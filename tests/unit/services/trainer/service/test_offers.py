"""What a trainer offers: settings by flat names, plans by arithmetic, refusals that say what would be right."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dubbing.errors import AcceleratorMissing, InvalidSetting, UnknownRecipe, UnknownSetting
from dubbing.settings import TrainerSettings
from lipforcing.network import LipNetwork
from services.trainer.methods.recipe import NAMES
from services.trainer.recipes import load
from services.trainer.service.group import Group
from services.trainer.service.offers import OFFERS, offers, open_stage, plan
from services.trainer.service.plan import plan_of
from services.trainer.service.selftest import SelfTest
from services.trainer.service.settings import changed, flat
from services.trainer.service.site import Site


def test_every_recipe_is_offered_with_settings_that_survive_json() -> None:
    for offer in offers():
        assert type(offer).model_validate_json(offer.model_dump_json()) == offer
        assert offer.settings == flat(OFFERS[offer.name].default)


def test_the_folders_that_an_operator_opened_are_offered_with_the_settings_that_may_name_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert TrainerSettings().places == ()
    monkeypatch.setenv("DUBLINE_TRAINER_PLACES", "/data/footage:networks:")
    places = TrainerSettings().places
    assert places == (Path("/data/footage"), Path("networks"))
    offered = {offer.name: offer for offer in offers(places)}
    for name in NAMES:
        assert offered[name].places == (Path("/data/footage"), Path("networks").absolute())
        assert set(offered[name].outside) <= offered[name].settings.keys()
    assert (offered["tiny"].outside, offered["tiny"].places) == ((), ())


def test_a_setting_reaches_a_field_however_deep_and_nothing_else() -> None:
    before = load("tiny")
    after = changed(before, {"forcing.plan.steps": 7, "forcing.chances": [0.5, 0.3, 0.2], "seed": 9})
    assert (after.forcing.plan.steps, after.forcing.chances, after.seed) == (7, (0.5, 0.3, 0.2), 9)
    differences = {name for name, value in flat(after).items() if value != flat(before)[name]}
    assert differences == {"forcing.plan.steps", "forcing.chances", "seed"}


def test_the_plan_of_a_recipe_counts_its_network_and_its_steps() -> None:
    recipe = load("tiny")
    found = plan("tiny", {"forcing.plan.steps": 10}, processes=2)
    with torch.device("meta"):
        network = LipNetwork(recipe.network)
    assert found.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert (found.steps, found.samples) == (10, 10 * 2 * recipe.forcing.plan.batch)
    assert found.to_json()["memory_per_gpu"] == sum(found.memory.values())


@pytest.mark.parametrize(("name", "gpus"), [("sf_1_3b", 8), ("df_14b", 8), ("teacher_tiny", 1)])
def test_the_methods_recipes_are_planned_though_they_are_not_on_offer(name: str, gpus: int) -> None:
    found = plan(name, {"steps": 5}, gpus)
    assert (found.steps, found.processes) == (5, gpus)
    assert found.parameters > 0
    with pytest.raises(UnknownSetting, match="stepz"):
        plan(name, {"stepz": 5}, gpus)
    with pytest.raises(InvalidSetting, match="does not split"):
        plan(name, {"steps": 5}, 7)


def test_memory_is_that_of_mixed_precision_training_and_is_shared_out() -> None:
    sizes = {"steps": 1, "batch": 1, "tokens": 10, "width": 4, "layers": 2}
    whole = plan_of(parameters=1_000, processes=4, sharded=False, **sizes)
    spread = plan_of(parameters=1_000, processes=4, sharded=True, frozen=2_000, **sizes)
    assert sum(whole.memory[name] for name in ("weights", "master", "gradients", "moments", "average")) == 22_000
    assert (whole.shards, spread.shards) == (1, 4)
    assert spread.memory["moments"] == whole.memory["moments"] // 4
    assert spread.memory["frozen"] == 1_000
    assert whole.memory["activations"] == 2 * 10 * 4 * (2 + 34)


def test_refusals_name_what_would_be_right() -> None:
    with pytest.raises(UnknownRecipe) as raised:
        plan("huge", {}, 1)
    assert all(name in raised.value.suggestions[0] for name in OFFERS)
    with pytest.raises(UnknownSetting) as unknown:
        plan("selftest", {"stepz": 1}, 1)
    assert "steps" in unknown.value.suggestions[0]
    with pytest.raises(InvalidSetting, match="a whole number"):
        plan("selftest", {"steps": "ten"}, 1)
    with pytest.raises(InvalidSetting, match="layers must be even"):
        plan("selftest", {"layers": 3}, 1)


def test_a_recipe_that_demands_gpus_is_refused_where_there_are_too_few(tmp_path: Path) -> None:
    here, last = Site(tmp_path, Group(), tmp_path), Group(torch.cuda.device_count())
    with pytest.raises(AcceleratorMissing, match="needs a GPU for each"):
        open_stage("selftest", {"gpus": True}, replace(here, group=last))
    assert open_stage("selftest", {"steps": 3}, here).steps == 3
    assert SelfTest().gpus is False
