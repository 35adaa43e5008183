"""Jobs made by hand."""

from typing import Any

import platform_results as results

from dubbing.db.models import Asset, Job
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.jobs import JobState, ModelPin, Models, Phase, Sharing, Sync
from dubbing.domain.work import PAYLOADS, WorkKind
from dubbing.ids import new_id
from dubbing.workflow.advance import Advancer

MODELS = Models(
    preset="tiny",
    demo=True,
    student=ModelPin(name="lip_student_tiny", digest="a" * 64),
    face_encoder=ModelPin(name="face_encoder_tiny", digest="b" * 64),
    speech_encoder=ModelPin(name="speech_encoder_tiny", digest="c" * 64),
)


def make_job(work: UnitOfWork, *, video: Asset | None = None, audio: Asset | None = None, **values: Any) -> Job:
    """A queued job with its first work items."""
    organisation_id = str(values.setdefault("organisation_id", "default"))
    work.organisations.ensure(organisation_id)
    assets = [
        asset or Asset(id=new_id("ast"), organisation_id=organisation_id, object_key=f"assets/{name}", filename=name, size=10)
        for asset, name in ((video, "film.mp4"), (audio, "pt.wav"))
    ]
    work.session.add_all(assets)
    work.session.flush()
    job = Job(
        **{
            "id": new_id("job"),
            "state": JobState.QUEUED,
            "phase": Phase.PROBING,
            "phase_times": {},
            "video_asset": assets[0].id,
            "audio_asset": assets[1].id,
            "models": MODELS.model_dump(mode="json"),
            "sync": Sync().model_dump(mode="json"),
            "seed": 1,
            "priority": 0,
            "warnings": [],
            **values,
            "options": {"sharing": Sharing.ORGANISATION, **dict(values.get("options", {}))},
        }
    )
    work.jobs.add(job)
    Advancer(work, 8).begin(job)
    return job


def do(work: UnitOfWork, *wanted: WorkKind, answer: Any = results.answer) -> int:
    """Complete every waiting item of these kinds."""
    count = 0
    while item := work.items.claim(wanted, "w", 60):
        work.jobs.started(item.id)
        work.items.complete(item, answer(item.kind, PAYLOADS[item.kind].model_validate(item.payload)).model_dump(mode="json"))
        Advancer(work, 8).item_ended(item.id)
        count += 1
    return count


def fresh(work: UnitOfWork, job: Job) -> Job:
    work.session.refresh(job)
    return job
