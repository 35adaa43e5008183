"""Recipes, their settings, and what they will need."""

from dataclasses import replace

import pytest

from dubbing.domain.training import checked_settings
from dubbing.errors import UnknownSetting
from lipforcing.presets import PRESETS, TEACHERS, TRAINING_WINDOWS
from services.trainer.common.settings import changed, flat
from services.trainer.methods.adapters import ADAPTERS, FULL
from services.trainer.methods.forcing import Stage1
from services.trainer.methods.plan import forward_flops, networks_of, plan
from services.trainer.methods.recipe import MethodRecipe
from services.trainer.methods.self_forcing import Stage2
from services.trainer.methods.teacher import FlowStage
from services.trainer.recipes import RECIPES, load

PARAMETERS = 1_421_383_840  # of 1.3B


def test_every_recipe_stands_under_its_name_says_what_it_is_and_starts_from_one_that_exists() -> None:
    for name, recipe in RECIPES.items():
        assert load(name) is recipe
        assert recipe.name == name
        assert recipe.summary.endswith(".")
        assert set(recipe.init_from.values()) <= set(RECIPES)
        begun = "served:1" if name in ("teacher_tiny_tuned", "df_tiny_tuned") else ""  # the committed student
        assert (recipe.start, recipe.teacher, recipe.data) == (begun, "", "")
        assert recipe.noise == (name == "selftest") == (recipe.network != PRESETS[recipe.preset])
        assert recipe.to_json()["name"] == name
    with pytest.raises(ValueError, match="no recipe 'sf_2b'; there are selftest, teacher_tiny"):
        load("sf_2b")


@pytest.mark.parametrize("name", ["sf_1_3b", "sf_14b"])
def test_published_hyper_parameters_of_stage_2(name: str) -> None:
    recipe = load(name)
    assert isinstance(recipe.stage, Stage2)
    for update in (recipe.stage.student, recipe.stage.critic):
        assert (update.lr, update.betas, update.weight_decay, update.clip) == (2e-6, (0.0, 0.999), 0.01, 10.0)
    assert (recipe.steps, recipe.batch, recipe.stage.student_update_freq) == (600, 64, 5)
    assert (recipe.stage.guidance.scale, recipe.stage.guidance.gate, recipe.stage.guidance.shift) == (4.5, "window", 5.0)
    assert [round(t, 3) for t in recipe.stage.guidance.window] == [0.555, 0.882]
    assert recipe.network.t_list == (0.999, 0.769, 0.0)
    assert (recipe.network.window, recipe.network.sink, recipe.latents) == (7, 1, 21)
    assert recipe.stage.weighting is not None
    assert (recipe.stage.weighting.beta, recipe.stage.weighting.mode) == (2.0, "centred")
    assert recipe.teaching == TEACHERS["14b"]
    assert recipe.stage.student.ema is not None


def test_student_and_critic_have_equally_many_trainable_parameters() -> None:
    for name in ("sf_tiny", "sf_1_3b", "sf_14b"):
        recipe = load(name)
        assert recipe.critic is not None
        assert recipe.trained.count(recipe.network) == recipe.trained.count(recipe.critic)
    assert load("sf_1_3b").trained == FULL
    assert load("sf_14b").trained == ADAPTERS


@pytest.mark.parametrize("name", ["df_1_3b", "df_14b"])
def test_published_hyper_parameters_of_stage_1(name: str) -> None:
    recipe = load(name)
    assert isinstance(recipe.stage, Stage1)
    assert (recipe.update.lr, recipe.update.betas, recipe.update.clip) == (1e-5, (0.9, 0.999), 10.0)
    assert (recipe.update.warm_up, recipe.steps, recipe.batch) == (1_000, 5_000, 64)
    assert recipe.stage.windows == TRAINING_WINDOWS
    assert recipe.stage.shift == 5.0


def test_published_hyper_parameters_of_the_teacher() -> None:
    recipe = load("teacher_14b_ls")
    assert isinstance(recipe.stage, FlowStage)
    assert (recipe.update.lr, recipe.update.clip, recipe.batch, recipe.steps) == (5e-5, 1.0, 8, 13_000)
    assert (recipe.stage.shift, recipe.stage.places.mouth, recipe.stage.places.outside) == (3.0, 2.0, 1.0)
    assert (recipe.stage.drop_text, recipe.stage.drop_speech) == (0.1, 0.1)


def with_settings(recipe: MethodRecipe, settings: dict[str, object]) -> MethodRecipe:
    """As the service does it."""
    return changed(recipe, checked_settings(settings, flat(recipe)))


class TestSettings:
    """Nothing that is set vanishes."""

    def test_fields_are_set_however_deep(self) -> None:
        recipe = with_settings(load("df_tiny"), {"update.lr": 1e-4, "stage.places.mouth": 3, "steps": 7})
        assert isinstance(recipe.stage, Stage1)
        assert (recipe.update.lr, recipe.stage.places.mouth, recipe.steps) == (1e-4, 3.0, 7)
        gated = with_settings(load("sf_tiny"), {"stage.guidance.gate": "always", "stage.weighting.mode": "clamped"}).stage
        assert isinstance(gated, Stage2)
        assert gated.weighting is not None
        assert (gated.guidance.gate, gated.weighting.mode) == ("always", "clamped")

    @pytest.mark.parametrize("name", ["grad_accum", "update.learning_rate", "stage.places.nose", "steps.many"])
    def test_an_unknown_field_is_refused(self, name: str) -> None:
        with pytest.raises(UnknownSetting, match=name):
            with_settings(load("df_tiny"), {name: 1})

    def test_a_value_that_the_method_does_not_know_is_refused(self) -> None:
        with pytest.raises(ValueError, match="not 'sometimes'"):
            with_settings(load("sf_tiny"), {"stage.guidance.gate": "sometimes"})

    def test_a_batch_that_does_not_split_is_refused(self) -> None:
        with pytest.raises(ValueError, match="does not split"):
            MethodRecipe("odd", batch=8, micro=3)


class TestPlan:
    """Arithmetic before anything is allocated."""

    def test_stage_2_of_14b_fits_four_h200_and_the_teacher_is_stored_in_bf16(self) -> None:
        made = plan(load("sf_14b"), 4)
        student, critic, teacher = networks_of(load("sf_14b"), 4)
        assert (student.role, critic.role, teacher.role) == ("student", "critic", "teacher")
        assert (teacher.parameters, teacher.trained) == (14_294_081_696, 0)
        largest = 2 * 2 * 40 * 5120**2
        assert teacher.bytes_per_gpu < 14_294_081_696 * 2 / 4 + largest
        assert student.trained == critic.trained == ADAPTERS.count(PRESETS["14b"])
        assert student.bytes_per_gpu > critic.bytes_per_gpu  # averaged weights
        assert made.parameters == student.trained + critic.trained
        assert list(made.memory) == ["student", "critic", "teacher", "activations"]
        assert 60e9 < sum(made.memory.values()) < 139e9
        assert (made.steps, made.samples, made.shards) == (600, 38_400, 4)

    def test_sharding_divides_states_and_not_activations(self) -> None:
        one, two, four = (plan(load("sf_1_3b"), gpus).memory for gpus in (1, 2, 4))
        assert two["activations"] == four["activations"]
        state = PARAMETERS * 4 * 5
        assert one["student"] - four["student"] == pytest.approx(state * 3 / 4, rel=1e-6)

    def test_one_gpu_needs_what_was_measured_on_one(self) -> None:
        """benchmarks/results/training_sf_1_3b_cuda.json, whose run kept 4.8 GiB of keys and values in float32."""
        measured = 94.85 - 4.8
        assert sum(plan(load("sf_1_3b"), 1).memory.values()) / 2**30 == pytest.approx(measured, rel=0.03)

    def test_hours_are_of_the_size_that_was_published(self) -> None:
        """14B Stage 1 took 168 H200-hours with 16 samples a step, Stage 2 took 68."""
        stage_1 = plan(replace(load("df_14b"), batch=16), 4)
        stage_2 = plan(replace(load("sf_14b"), batch=16), 4)
        assert 168 / 2 < stage_1.gpu_hours < 168 * 2
        assert 68 / 2 < stage_2.gpu_hours < 68 * 2

    def test_flops_of_a_forward_are_those_of_its_matrices(self) -> None:
        config = replace(PRESETS["tiny"], dim=12, ffn=20, heads=2, layers=4, text_len=2)
        each = 2 * 10 * (4 * 12 * 12 + 2 * 12 * 12 + 2 * 12 * 20) + 2 * 2 * 10 * 7 * 12 + 2 * 2 * 10 * 2 * 12
        assert forward_flops(config, 10, 7) == 4 * each

    def test_every_recipe_has_a_plan(self) -> None:
        for recipe in RECIPES.values():
            told = plan(recipe, 1).to_json()
            assert told["memory_per_gpu"] > 0
            assert told["gpu_hours"] > 0
        with pytest.raises(ValueError, match="does not split over 3 GPUs"):
            plan(load("sf_14b"), 3)
