"""What a trainer offers: settings by flat names, plans by arithmetic, refusals that say what would be right."""

from pathlib import Path

import pytest
import torch

from dubbing.domain.training import RENAMED_RECIPES, RENAMED_SETTINGS, check_chain
from dubbing.errors import AcceleratorMissing, InvalidSetting, UnknownRecipe, UnknownSetting
from dubbing.settings import TrainerSettings
from services.trainer.common.group import Group
from services.trainer.common.settings import changed, flat
from services.trainer.common.site import Site
from services.trainer.recipes import RECIPES, load
from services.trainer.recipes.offers import offers, open_stage, plan


def test_every_recipe_is_offered_with_settings_that_survive_json() -> None:
    for offer in offers():
        assert type(offer).model_validate_json(offer.model_dump_json()) == offer
        assert offer.settings == flat(RECIPES[offer.name])


def test_the_folders_that_an_operator_opened_are_offered_with_the_settings_that_may_name_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert TrainerSettings().places == ()
    monkeypatch.setenv("DUBLINE_TRAINER_PLACES", "/data/footage:networks:")
    places = TrainerSettings().places
    assert places == (Path("/data/footage"), Path("networks"))
    offered = {offer.name: offer for offer in offers(places)}
    for name in RECIPES:
        assert offered[name].places == (Path("/data/footage"), Path("networks").absolute())
        assert set(offered[name].outside) <= offered[name].settings.keys()


def test_a_setting_reaches_a_field_however_deep_and_nothing_else() -> None:
    before = load("sf_tiny")
    after = changed(before, {"sync.plan.steps": 7, "stage.guidance.window": [0.5, 0.8], "seed": 9})
    assert (after.sync.plan.steps, after.stage.guidance.window, after.seed) == (7, (0.5, 0.8), 9)
    differences = {name for name, value in flat(after).items() if value != flat(before)[name]}
    assert differences == {"sync.plan.steps", "stage.guidance.window", "seed"}
    assert not {"name", "summary"} & flat(before).keys()


@pytest.mark.parametrize(("name", "gpus"), [("sf_1_3b", 8), ("df_14b", 8), ("teacher_tiny", 1)])
def test_recipes_are_planned_for_any_number_of_processes_that_their_batch_splits_over(name: str, gpus: int) -> None:
    found = plan(name, {"steps": 5}, gpus)
    assert (found.steps, found.processes) == (5, gpus)
    assert found.parameters > 0
    with pytest.raises(UnknownSetting, match="stepz"):
        plan(name, {"stepz": 5}, gpus)
    with pytest.raises(InvalidSetting, match="does not split"):
        plan(name, {"steps": 5}, 7)


def test_refusals_name_what_would_be_right() -> None:
    with pytest.raises(UnknownRecipe) as raised:
        plan("huge", {}, 1)
    assert all(name in raised.value.suggestions[0] for name in RECIPES)
    with pytest.raises(UnknownSetting) as unknown:
        plan("selftest", {"stepz": 1}, 1)
    assert "steps" in unknown.value.suggestions[0]
    with pytest.raises(InvalidSetting, match="a whole number"):
        plan("selftest", {"steps": "ten"}, 1)
    with pytest.raises(InvalidSetting, match="layers must be even"):
        plan("selftest", {"network.layers": 3}, 1)


@pytest.mark.parametrize(
    ("recipe", "before", "now"),
    [
        ("sf_tiny", "together", "rng_group"),
        ("sf_tiny", "stage.ratio", "stage.student_update_freq"),
        ("sf_tiny", "stage.critic.patience", "stage.critic.max_skipped"),
        ("sf_tiny", "sync.plan.average", "sync.plan.ema"),
        ("df_tiny", "update.falls", "update.lr_decay"),
        ("selftest", "gpus", "accelerator"),
        ("selftest", "width", "network.dim"),
    ],
)
def test_a_setting_of_an_earlier_version_is_refused_with_its_name_of_today(recipe: str, before: str, now: str) -> None:
    with pytest.raises(UnknownSetting) as raised:
        plan(recipe, {before: 1}, 1)
    assert raised.value.suggestions[0] == f"{before} is now called {now}"
    with pytest.raises(InvalidSetting) as chained:
        check_chain({before: 1}, {name: flat(load(name)) for name in (recipe, "teacher_tiny")})
    assert chained.value.suggestions == raised.value.suggestions[:1]


@pytest.mark.parametrize(("before", "now"), RENAMED_RECIPES.items())
def test_a_recipe_of_an_earlier_version_is_refused_with_the_one_that_took_its_place(before: str, now: str) -> None:
    with pytest.raises(UnknownRecipe, match="any more") as raised:
        plan(before, {}, 1)
    assert now in RECIPES
    assert raised.value.suggestions[0] == f"start a new run of {now}, which took its place"


def test_every_name_of_today_that_an_old_one_leads_to_is_offered() -> None:
    assert set(RENAMED_SETTINGS.values()) <= {name for recipe in RECIPES.values() for name in flat(recipe)}
    assert not set(RENAMED_SETTINGS) & {name for recipe in RECIPES.values() for name in flat(recipe)}


def test_a_run_that_demands_gpus_is_refused_where_there_are_too_few(tmp_path: Path) -> None:
    last = Group(torch.cuda.device_count())
    with pytest.raises(AcceleratorMissing, match="needs a GPU for each"):
        open_stage("selftest", {"accelerator": True}, Site(tmp_path, last, tmp_path))
    assert load("selftest").accelerator is False
