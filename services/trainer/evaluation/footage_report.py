"""``dubline evaluate MODEL --data PLACE``: a student on held-out footage, beside the incumbent, by the rules of the gate."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from dubbing.faces.detector import MediaPipeDetector
from dubbing.inference.versions import pin_all
from dubbing.settings import S3Settings
from lipforcing.contract import STUDENTS
from services.trainer.common.console import say
from services.trainer.footage.frozen import FrozenClips
from services.trainer.footage.place import place_at
from services.trainer.footage.sample import Sample
from services.trainer.metrics.gate import FOOTAGE_RULES, SYNC_RULES, compare
from services.trainer.metrics.mouth_figures import Measured
from services.trainer.metrics.pictures import interval
from services.trainer.metrics.scorers import SyncNetScorer
from services.trainer.models.dubber import Dubber
from services.trainer.models.repository import as_version_1, folders_in, folders_of

from . import plots
from .footage import FootageJudge
from .players import FILMS, film_of, write_player
from .report import write_pages
from .run import EvaluationPlan

_PANELS = ("source", "generated", "silence")
_CURVES = {"result": "generated", "true": "true"}  # name on the page: mouth that was measured


def evaluate_footage(
    data: str, preset: str, students: Sequence[str], plan: EvaluationPlan, *, served: Path, out: Path
) -> dict[str, Any]:
    """Measure, write ``report.json`` and ``report.html``; gives what the first holds.

    The first student is the model, a second the incumbent. A preset is its newest served version; anything else is a folder:
    what a run has made, which gets the encoders that it lacks from ``served``, or a repository.

    Raises:
        BadDataset: as `FrozenClips`.
        ModelUnavailable: a preset has no weights here.
        CheckpointMismatch: a folder is none, is damaged, or learned with encoders that are not served.
        WeightsError: a model, or the SyncNet, is none.
    """
    newest = folders_in(served, pin_all(served, preset)) if STUDENTS.keys() & students else {}
    folders = [newest if name in STUDENTS else folders_of(Path(name), served, preset) for name in students]
    clips = FrozenClips(place_at(data, S3Settings()), preset, **asdict(plan.held))
    scorer = SyncNetScorer.of(plan.syncnet) if plan.syncnet else None
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    done: list[dict[str, Any]] = []
    watched: list[_ClipLog] = []
    with MediaPipeDetector(plan.landmarker) as detector, TemporaryDirectory() as scratch:
        judge = FootageJudge(detector, scorer, plan.held.seed)
        for name, models in zip(students, folders, strict=True):
            dubber = Dubber(as_version_1(models, Path(scratch) / str(len(done))), preset, device)
            watched.append(_ClipLog(name, len(clips), None if done else out))
            figures = judge.measure(dubber, clips, watched[-1])
            rows = watched[-1].rows
            intervals = {figure: interval([row[figure] for row in rows]) for figure in rows[0]}  # 95 %, of means over clips
            done.append({"name": name, "figures": figures, "intervals": intervals, "clips": rows})
    against = done[1]["figures"] if len(done) > 1 else None
    verdict = compare(done[0]["figures"], against, FOOTAGE_RULES if scorer is None else SYNC_RULES)
    facts = {
        "plan": {**asdict(plan.held), "clips": len(clips)}, "preset": preset, "data": clips.digest,
        "scorer": None if scorer is None else scorer.name, "models": done,
        "figures": [asdict(figure) for figure in verdict.figures], "passed": verdict.passed,
    }  # fmt: skip
    write_pages(out, "footage.html.j2", facts, facts=facts, clips=watched[0].shown)
    return facts


class _ClipLog:
    """Keeps every clip's figures, and with the report's folder ``out`` the first clips' films and curves."""

    def __init__(self, name: str, clips: int, out: Path | None) -> None:
        self._name, self._clips, self._out = name, clips, out
        self.rows: list[dict[str, float]] = []
        self.shown: list[dict[str, Any]] = []

    def __call__(self, index: int, clip: Sample, measured: Measured) -> None:
        self.rows.append(measured.figures)
        say(f"{self._name}: {index + 1} of {self._clips} clips")
        if self._out is None or index >= FILMS:
            return
        write_player(self._out / film_of(index), [measured.pictures[panel] for panel in _PANELS], clip.speech)
        curve = plots.curves({name: measured.mouths[mouth].opening for name, mouth in _CURVES.items()})
        self.shown.append({"film": film_of(index), "curve": curve, "key": clip.key, "r_open": measured.figures["r_open"]})
