"""The publish gate: a candidate serves only if no figure on the frozen set is worse than the incumbent's. Pure arithmetic.

Every figure is shown, gated or not. A gated figure that is missing or no number fails: a model that could not be measured is
not better. What counts as equal is stated for each figure; the measurement itself is deterministic.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Better(StrEnum):
    """Which way is better."""

    HIGHER = "higher"
    LOWER = "lower"
    SHOWN = "shown"


@dataclass(frozen=True, slots=True)
class Rule:
    """How one figure is judged: ``slack`` is the difference that counts as equal."""

    better: Better
    slack: float = 0.0


RULES: dict[str, Rule] = {
    "r_open": Rule(Better.HIGHER, 0.005),
    "r_open_worst": Rule(Better.HIGHER, 0.02),
    "r_width": Rule(Better.HIGHER, 0.005),
    "mae_open": Rule(Better.LOWER, 0.002),
    "lag_within_1": Rule(Better.HIGHER),
    "late_lag_2_to_4": Rule(Better.HIGHER),
    "r_swapped": Rule(Better.HIGHER, 0.02),
    "r_swapped_leak": Rule(Better.LOWER, 0.05),
    "r_wrong": Rule(Better.LOWER, 0.05),
    "silence": Rule(Better.LOWER, 0.005),
    "mouth_error": Rule(Better.LOWER, 0.1),
    "untouched": Rule(Better.HIGHER),
}
"""Of `services.trainer.evaluation.speakers`; what it measures besides is shown."""

FOOTAGE_RULES = {name: rule for name, rule in RULES.items() if name != "untouched"}
"""Of `services.trainer.evaluation.footage`, which looks at crops: nothing lies around them that could be left untouched."""

SYNC_RULES = {**FOOTAGE_RULES, "sync_confidence": Rule(Better.HIGHER, 0.1)}
"""The same with a SyncNet; distance and offset are shown."""


@dataclass(frozen=True, slots=True)
class GateFigure:
    """One row of the verdict."""

    name: str
    candidate: float | None
    incumbent: float | None
    better: Better
    slack: float
    passed: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """All rows, and whether the candidate may serve."""

    figures: tuple[GateFigure, ...]

    @property
    def passed(self) -> bool:
        """True when no row failed, and something was judged at all."""
        judged = [figure for figure in self.figures if figure.better is not Better.SHOWN]
        return bool(judged) and all(figure.passed for figure in judged)

    @property
    def worse(self) -> list[str]:
        """Names of the figures that failed."""
        return [figure.name for figure in self.figures if not figure.passed]


def compare(
    candidate: Mapping[str, Any], incumbent: Mapping[str, Any] | None, rules: Mapping[str, Rule] | None = None
) -> Verdict:
    """The verdict on a candidate; `RULES` unless told.

    The incumbent's figures are those of the version that serves, on the same set. None when nothing serves, and then it is
    enough that every gated figure of the candidate is a number.
    """
    rules = RULES if rules is None else rules
    names = [*rules, *(name for name in candidate if name not in rules and _number(candidate[name]) is not None)]
    return Verdict(tuple(_figure(name, candidate, incumbent, rules.get(name, Rule(Better.SHOWN))) for name in names))


def _figure(name: str, candidate: Mapping[str, Any], incumbent: Mapping[str, Any] | None, rule: Rule) -> GateFigure:
    ours = _number(candidate.get(name))
    theirs = None if incumbent is None else _number(incumbent.get(name))
    return GateFigure(name, ours, theirs, rule.better, rule.slack, _passes(ours, theirs, rule))


def _passes(ours: float | None, theirs: float | None, rule: Rule) -> bool:
    if rule.better is Better.SHOWN:
        return True
    if ours is None:
        return False
    if theirs is None:
        return True
    return ours >= theirs - rule.slack if rule.better is Better.HIGHER else ours <= theirs + rule.slack


def _number(value: Any) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if good else None


def differences(figures: Sequence[GateFigure]) -> str:
    """The failed rows in words."""
    return "; ".join(f"{one.name} {one.candidate} beside {one.incumbent}" for one in figures if not one.passed)
