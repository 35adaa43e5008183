"""The gate: better or equal passes, worse, missing and not-a-number do not, and every figure is shown."""

import math

import pytest

from services.trainer.metrics.gate import RULES, Better, Rule, compare, differences

GOOD = {
    "r_open": 0.8, "r_open_worst": 0.6, "r_width": 0.5, "mae_open": 0.04, "lag_within_1": 1.0, "late_lag_2_to_4": 1.0,
    "r_swapped": 0.7, "r_swapped_leak": 0.05, "r_wrong": 0.1, "silence": 0.03, "mouth_error": 5.0, "untouched": 1.0,
}  # fmt: skip


def test_the_same_figures_pass() -> None:
    verdict = compare(GOOD, GOOD)
    assert verdict.passed
    assert {figure.name for figure in verdict.figures} == set(RULES) == set(GOOD)


@pytest.mark.parametrize("name", RULES)
def test_one_figure_that_is_worse_by_more_than_its_slack_fails_alone(name: str) -> None:
    rule = RULES[name]
    sign = -1.0 if rule.better is Better.HIGHER else 1.0
    worse = compare({**GOOD, name: GOOD[name] + sign * (rule.slack + 1e-6)}, GOOD)
    assert not worse.passed
    assert worse.worse == [name]
    assert name in differences(worse.figures)
    assert compare({**GOOD, name: GOOD[name] + sign * rule.slack * 0.99}, GOOD).passed
    assert compare({**GOOD, name: GOOD[name] - sign * 0.1}, GOOD).passed


@pytest.mark.parametrize("value", [None, math.nan, math.inf, "0.9", True])
def test_a_figure_that_is_missing_or_no_number_fails(value: object) -> None:
    assert compare({**GOOD, "r_open": value}, GOOD).worse == ["r_open"]


def test_without_an_incumbent_being_measured_is_enough() -> None:
    assert compare(GOOD, None).passed
    assert not compare({}, None).passed


def test_an_incumbent_that_lacks_a_figure_does_not_stop_the_candidate_that_has_it() -> None:
    assert compare(GOOD, {name: value for name, value in GOOD.items() if name != "silence"}).passed


def test_what_is_not_gated_is_shown_and_judges_nothing() -> None:
    verdict = compare({**GOOD, "spread": 0.1, "split": "test"}, {**GOOD, "spread": 9.0})
    shown = {figure.name: figure for figure in verdict.figures if figure.better is Better.SHOWN}
    assert set(shown) == {"spread"}
    assert (shown["spread"].candidate, shown["spread"].incumbent) == (0.1, 9.0)
    assert verdict.passed


def test_nothing_judged_is_no_pass() -> None:
    assert not compare({"spread": 1.0}, None, {}).passed
    assert compare({"x": 1.0}, {"x": 1.0}, {"x": Rule(Better.HIGHER)}).passed
