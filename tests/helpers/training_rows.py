"""Training runs made by hand."""

from dubbing.db.training_models import TrainingRun
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.jobs import ModelPin, Models
from dubbing.domain.training import RecipeOffer, RunState
from dubbing.ids import new_id

OFFER = RecipeOffer(
    name="selftest",
    summary="For tests.",
    settings={"steps": 20, "lr": 1e-3, "name": "x", "half": True, "betas": [0.9, 0.95]},
    preset="tiny",
)


def make_run(work: UnitOfWork, **values: object) -> TrainingRun:
    """A queued run with its first leg."""
    defaults: dict[str, object] = {
        "id": new_id("run"), "organisation_id": "default", "recipe": "selftest", "settings": {}, "processes": 1,
        "state": RunState.QUEUED, "step": 0, "steps": 0, "leg": 0, "checkpoints": [], "facts": {},
    }  # fmt: skip
    run = TrainingRun(**(defaults | values))
    work.organisations.ensure(run.organisation_id)
    work.ring(work.runs.add(run, 4))
    return run


def version(number: int) -> Models:
    """The models of one version."""
    names = {"student": "lip_student_tiny", "face_encoder": "face_encoder_tiny", "speech_encoder": "speech_encoder_tiny"}
    pins = {part: ModelPin(name=name, digest=f"{number:064x}", version=number) for part, name in names.items()}
    return Models(preset="tiny", demo=True, **pins)
