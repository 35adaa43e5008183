"""The report: one JSON file with every figure, and one HTML page with players, plots and a table beside the incumbent."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from . import plots
from .compare import table
from .players import film_of
from .run import EvaluationPlan, ModelEvaluation

JSON, HTML = "report.json", "report.html"
_DISTANCES = (
    ("codec_feature_frechet", "codec-feature Fréchet distance in the mouth region (not FID)"),
    ("mouth_motion_frechet", "mouth-motion Fréchet distance (not FVD)"),
)
_CONTROLS = (
    ("r_swapped", "another clip's sound: correlation with that sound's mouth", "as high as with its own"),
    ("r_swapped_leak", "another clip's sound: correlation with this clip's mouth", "near 0: nothing of the target leaks"),
    ("r_wrong", "own sound: correlation with another clip's mouth", "near 0: it follows this sound, not just any"),
    ("r_footage", "own sound: correlation with the mouth in the footage", "near what truth and footage share by chance"),
    ("r_footage_truth", "truth: correlation with the mouth in the footage", "chance"),
    ("late_lag_2_to_4", "sound 3 frames late: share of clips 2 to 4 frames late", "1"),
    ("silence", "silence: mean opening", "near 0"),
    ("silence_std", "silence: movement (standard deviation)", "near 0"),
    ("untouched", "share of clips whose pixels outside the mask are the source's", "1"),
    ("ceiling_open", "true footage: correlation that the measurement itself reaches", "1"),
)


def write_report(
    folder: Path, plan: EvaluationPlan, new: ModelEvaluation, old: ModelEvaluation | None, *, scorer: str, judge: str
) -> dict[str, Any]:
    """Write ``report.json`` and ``report.html`` beside the players; gives what the first holds.

    ``scorer`` names what judged sync, ``judge`` is the digest of the codec that made the picture features.
    """
    rows = table([clip.values for clip in new.clips], None if old is None else [clip.values for clip in old.clips])
    facts: dict[str, Any] = {
        "plan": asdict(plan.held), "scorer": scorer, "judge": judge, "model": new.to_json(),
        "incumbent": None if old is None else old.to_json(),
        "comparison": [{"figure": r.figure.name, "verdict": r.verdict, "difference": r.difference} for r in rows if old],
    }  # fmt: skip
    write_pages(
        folder, "report.html.j2", facts,
        plan=facts["plan"], scorer=scorer, judge=judge, new=facts["model"], old=facts["incumbent"], rows=rows,
        distances=_DISTANCES, controls=_CONTROLS, plots=_plots(new, old), clips=_clips(folder, new),
    )  # fmt: skip
    return facts


def known(value: Any) -> Any:
    """The same JSON value with null for what could not be measured: JSON knows no NaN."""
    if isinstance(value, dict):
        return {name: known(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [known(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_pages(folder: Path, template: str, facts: dict[str, Any], /, **shown: Any) -> None:
    """Write ``report.json`` with all facts, and ``report.html`` by a template, in which ``n`` shows a number."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JSON).write_text(json.dumps(known(facts), indent=2, sort_keys=True, allow_nan=False) + "\n")
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)
    environment.filters["n"] = _number
    (folder / HTML).write_text(environment.get_template(template).render(**shown))


def _number(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.0f}"


def _plots(new: ModelEvaluation, old: ModelEvaluation | None) -> dict[str, Markup]:
    named = {one.name: [clip.values["r_open"] for clip in one.clips] for one in (new, old) if one is not None}
    offsets = [clip.values["offset"] for clip in new.clips]
    return {"dots": plots.dots(named, 0.0, 1.0), "offsets": plots.histogram(offsets, -15, 15)}


def _clips(folder: Path, new: ModelEvaluation) -> list[dict[str, Any]]:
    shown = []
    for index, clip in enumerate(new.clips):
        film, (generated, true) = film_of(index), clip.opening
        shown.append({
            "index": index, "film": film if (folder / film).exists() else None,
            "curve": plots.curves({"result": generated, "true": true}),
            "language": clip.meta["language"], "voice": clip.meta["voice"],
            "r_open": clip.values["r_open"], "offset": f"{clip.values['offset']:+.0f}",
        })  # fmt: skip
    return shown
