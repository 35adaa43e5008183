"""The study on one split: every row measured once, then table, plot and contact sheets.

Legend: B clips, V video frames, H/W crop side.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from services.trainer.common.sheet import draw_sheet
from services.trainer.methods.teacher import Teacher
from studies.ablation.held_out import StudyClips
from studies.ablation.judge import FIGURES, StudyJudge
from studies.ablation.result_cache import TrainedNetwork
from studies.ablation.rows import Sampler, controls, first, frames_per_second, in_full, in_two_steps
from studies.ablation.sizes import FORMS
from studies.ablation.stages import Stages
from studies.ablation.table import markdown, plot, summarise

if TYPE_CHECKING:
    from torch import Tensor

log = structlog.get_logger(__name__)
_SHOWN = 2  # clips of which a contact sheet is drawn


class StudyRow(NamedTuple):
    """A way to make clips: its name in the table, what stands for it, and how it samples."""

    name: str
    key: str
    sampler: Sampler


@dataclass(frozen=True, slots=True)
class Study:
    """Trains what is missing and measures.

    Attributes:
        stages: of training.
        judge: of clips.
        judge_key: stands for the judge.
        held: the clips.
        teachers: seed of the teacher by seed of the distillation.
    """

    stages: Stages
    judge: StudyJudge
    judge_key: str
    held: StudyClips
    teachers: dict[int, int]

    def run(self, out: Path, name: str) -> dict[str, Any]:
        """Measure everything; leaves ``NAME.json``, ``NAME.md``, ``NAME.png`` and contact sheets in ``out``."""
        by_row: dict[str, list[list[dict[str, float]]]] = {row: [clips] for row, clips in self._given()}
        rows: dict[int, list[StudyRow]] = {seed: [] for seed in self.teachers}
        done: set[str] = set()
        for seed, some in rows.items():
            for row in self._rows(seed):
                some.append(row)
                if row.key not in done:  # a teacher that several seeds share is one sample of teachers, not several
                    by_row.setdefault(row.name, []).append(self._figures(row))
                done.add(row.key)
        speeds = {row.name: self._speed(row) for row in next(iter(rows.values()))}
        scores = {
            row: {figure: [[clip[figure] for clip in clips] for clips in seeds] for figure in FIGURES}
            for row, seeds in by_row.items()
        }
        summary = summarise(scores, self.stages.sizes.resamples)
        (out / f"{name}.md").write_text(markdown(summary, speeds))
        plot(summary, out / f"{name}.png")
        self._draw(next(iter(rows.values())), out, name)
        report = {"summary": summary, "frames_per_second": speeds, "scores": scores,
                  "controls": {seed: self._controls(some[-1]) for seed, some in rows.items()}}  # fmt: skip
        (out / f"{name}.json").write_text(json.dumps(report, indent=1))
        return report

    def _rows(self, seed: int) -> Iterator[StudyRow]:
        """Rows of one seed, in the order of the table; each is trained when it is asked for."""
        stages = self.stages
        taught_by = stages.teacher(self.teachers[seed])
        teacher = Teacher(stages.sizes.teaching, taught_by.network, stages.null)
        yield StudyRow("teacher", f"{taught_by.key} guided", in_full(teacher))
        yield StudyRow("unguided", f"{taught_by.key} not guided", in_full(teacher, 1.0))
        yield StudyRow("cast", f"{taught_by.key} cast", in_two_steps(taught_by))
        start, rewarded_by = stages.forcing(seed, taught_by), stages.syncnet(self.teachers[seed], stages.sizes.sync)
        yield self._student("forcing", start)
        for form in FORMS:
            yield self._student(form, stages.distilled(seed, form, taught_by, start, rewarded_by))

    @staticmethod
    def _student(name: str, trained: TrainedNetwork) -> StudyRow:
        return StudyRow(name, trained.key, in_two_steps(trained))

    def _given(self) -> Iterator[tuple[str, list[dict[str, float]]]]:
        """Rows that nothing is trained for."""
        held, judge = self.held, self.judge
        given: dict[str, Callable[[], Tensor]] = {
            "truth": lambda: held.crops_BVHWC,
            "codec": lambda: judge.pictures(held.clips.x0_BZThw),
            "footage": lambda: judge.pictures(held.clips.conditions.reference_BZThw),
        }
        for name, crops in given.items():
            yield name, self._cached("figures", name, lambda crops=crops: judge.figures(crops(), held))  # type: ignore[misc]

    def _figures(self, row: StudyRow) -> list[dict[str, float]]:
        def measure() -> list[dict[str, float]]:
            log.info("measuring", row=row.name, key=row.key)
            return self.judge.figures(self.judge.pictures(row.sampler(self.held.clips)), self.held)

        figures: list[dict[str, float]] = self._cached("figures", row.key, measure)
        return figures

    def _controls(self, row: StudyRow) -> dict[str, Any]:
        figures: dict[str, Any] = self._cached("controls", row.key, lambda: controls(row.sampler, self.held, self.judge))
        return figures

    def _speed(self, row: StudyRow) -> float:
        return float(self._cached("speed", row.key, lambda: frames_per_second(row.sampler, self.held.clips)))

    def _cached(self, what: str, key: str, make: Callable[[], Any]) -> Any:
        return self.stages.cache.values(what, [key, self.held.key, self.judge_key], make)

    def _draw(self, rows: list[StudyRow], out: Path, name: str) -> None:
        some = first(self.held.clips, _SHOWN)
        pictures = {"footage": self.judge.pictures(some.conditions.reference_BZThw), "true": self.held.crops_BVHWC[:_SHOWN]}
        pictures |= {row.name: self.judge.pictures(row.sampler(some)) for row in rows}
        for clip in range(_SHOWN):
            draw_sheet(out / f"{name}-sheet-{clip}.png", {row: list(crops[clip].numpy()) for row, crops in pictures.items()})
