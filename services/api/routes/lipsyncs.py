"""Creating jobs."""

import secrets

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from dubbing import ids
from dubbing.db.models import Asset, Job
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.jobs import Chosen, JobState, Models, Phase
from dubbing.domain.media import SoundChoice
from dubbing.errors import ModelUnavailable, NotFound, UrlNotAllowed
from dubbing.storage import remote
from dubbing.workflow.advance import Advancer
from services.api.bootstrap import Services
from services.api.problems import refuses
from services.api.requests import JOB, Built, Caller, JobsWrite, OnceOnly
from services.api.schemas import AssetRef, JobOut, LipsyncCreate, UrlRef
from services.api.views import job_views

router = APIRouter(prefix="/v1", tags=["lipsyncs"])


@router.post(
    "/lipsyncs", status_code=202, response_model=JobOut, openapi_extra=refuses(NotFound, ModelUnavailable, UrlNotAllowed)
)
def create_lipsync(body: LipsyncCreate, caller: JobsWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Dub one video with one track. The job is always accepted and waits its turn; what is wrong with the files, it says."""
    return once.run(caller, 202, body, lambda work: _create(work, built, caller, body), at=JOB)


def _create(work: UnitOfWork, built: Services, caller: Caller, body: LipsyncCreate) -> JobOut:
    video, audio = _asset(work, caller, body.video, "video"), _asset(work, caller, body.audio, "audio")
    # A seed of our own is drawn from 32 bits, so that every JSON reader keeps it exactly.
    seed = secrets.randbits(32) if body.seed is None else body.seed
    models = _models(work, built, body.model)
    job = Job(
        id=ids.new_id("job"),
        organisation_id=caller.organisation,
        state=JobState.QUEUED,
        phase=Phase.PROBING,
        phase_times={},
        video_asset=video.id,
        audio_asset=audio.id,
        models=models.model_dump(mode="json"),
        sync=body.sync.model_dump(mode="json"),
        options={**body.options.model_dump(mode="json"), "chosen": _chosen(body).model_dump(mode="json")},
        labels=body.metadata,
        seed=seed,
        priority=body.priority,
        deadline=body.deadline,
        warnings=[],
    )
    work.jobs.add(job)
    Advancer(work, built.queue.max_attempts).begin(job)
    work.session.refresh(job)
    return job_views(built, work, [job])[0]


def _asset(work: UnitOfWork, caller: Caller, wanted: AssetRef | UrlRef, role: str) -> Asset:
    """The file: one that was uploaded, or a new one that is fetched when it is probed."""
    if isinstance(wanted, AssetRef):
        return work.assets.get(wanted.id, caller.organisation, f"/{role}/id")
    try:
        url = remote.checked(wanted.url)
    except UrlNotAllowed as error:
        error.where = {"pointer": f"/{role}/url", **error.where}
        raise
    asset_id, name = ids.new_id("ast"), remote.name_of(url) or role
    key = ids.asset_key(asset_id, name)
    new = Asset(
        id=asset_id,
        organisation_id=caller.organisation,
        object_key=key,
        filename=name,
        source_url=str(url),
        claimed_sha256=wanted.sha256,
    )
    return work.assets.add(new)


def _chosen(body: LipsyncCreate) -> Chosen:
    sound = SoundChoice(tracks=tuple(body.audio.tracks), channels=tuple(body.audio.channels))
    return Chosen(picture=body.video.track, sound=sound)


def _models(work: UnitOfWork, built: Services, preset: str) -> Models:
    """What the job is pinned to. Every version that was released is served on, so a job keeps the one that it gets here."""
    released = work.releases.choose(preset, secrets.randbits(32))
    if released is None:
        return built.catalogue.pin(preset)
    return work.releases.follow(preset, released, built.catalogue.pin_again(released))
