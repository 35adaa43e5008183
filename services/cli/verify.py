"""``dubline verify``: holds a master against its source and its track again, anywhere, with a second reading of all three."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from dubbing.domain.findings import Finding
from dubbing.domain.media import MediaInfo, SoundChoice, SyncPlan
from dubbing.domain.receipt import Receipt
from dubbing.domain.sync import check_pair
from dubbing.domain.witness import Difference
from dubbing.errors import BadInput, DublineError, DurationMismatch
from dubbing.media.container import naming
from dubbing.media.frames import FrameReader
from dubbing.media.probe import probe
from dubbing.media.read_audio import read_audio
from dubbing.media.read_video import read_video
from dubbing.media.reading import ReadFile
from dubbing.media.witness.headers import read_header
from dubbing.media.witness.master import Given, check_master
from dubbing.settings import MediaSettings
from dubbing.storage.store import sha256_of
from dubline_client.api.assets import read_asset
from dubline_client.models import AssetRead
from services.cli.client import Client, readable
from services.cli.dub import master_of
from services.cli.job_commands import JsonOption, client, problem_of
from services.stack.public import CHECKOUT


@dataclass(frozen=True)
class Files:
    """Everything that is held against one another."""

    source: Path
    audio: Path
    master: Path
    receipt: Receipt


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command()(verify)


def verify(
    source: Annotated[Path | None, typer.Argument(help="The picture that was dubbed.")] = None,
    audio: Annotated[Path | None, typer.Argument(help="The track that was given.")] = None,
    master: Annotated[Path | None, typer.Argument(help="The master.")] = None,
    receipt: Annotated[Path | None, typer.Argument(help="Its receipt (JSON).")] = None,
    *,
    job: Annotated[list[str] | None, typer.Option(help="A delivered job instead: its files are fetched. Repeatable.")] = None,
    mouths: Annotated[bool, typer.Option(help="Also follow the faces anew and look at every mouth.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Verify MASTER: every frame, every time, every sample. Exit 0 when it holds, 1 when it does not, 2 for bad input.

    Doubtful mouths are named, with their time codes; they do not change the exit code.
    """
    given = (source, audio, master, receipt)
    if job and any(given):
        raise BadInput("Verify takes four files, or jobs, not both.", where={"option": "job"})
    found: list[dict[str, Any]] = []
    for name in job or []:
        with _fetched(client(), name) as files:
            found.append({"job": name, **_verified(files, mouths=mouths)})
    if source is not None and audio is not None and master is not None and receipt is not None:
        for path, what in ((source, "source"), (audio, "audio"), (master, "master"), (receipt, "receipt")):
            readable(path, what)
        found.append(_verified(Files(source, audio, master, _receipt(receipt)), mouths=mouths))
    elif not job:
        raise BadInput("Verify takes SOURCE AUDIO MASTER RECEIPT, or --job ID.", where={"argument": "receipt"})
    _print(found, as_json=as_json)
    if not all(one["verified"] for one in found):
        raise typer.Exit(1)


def _receipt(path: Path) -> Receipt:
    try:
        return Receipt.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BadInput(
            f"{path.name} is no receipt: {error.error_count()} members do not fit.", where={"file": path.name}
        ) from error


@contextmanager
def _fetched(caller: Client, job_id: str) -> Iterator[Files]:
    """The files of a delivered job, in a folder that goes afterwards."""
    job = caller.job(job_id)
    master_of(job)
    found = job.value
    with tempfile.TemporaryDirectory(prefix="dubline-verify-") as folder:
        paths = {}
        # What has delivered has a track.
        for role, asset_id in (("video", found.video), ("audio", str(found.audio))):
            paths[role] = Path(folder) / role / Path(_asset(caller, asset_id).filename).name
            caller.download(partial(_address, caller, asset_id), paths[role])
        master = Path(folder) / "master.mp4"
        caller.download(lambda: master_of(caller.job(job_id)), master)
        yield Files(paths["video"], paths["audio"], master, Receipt.model_validate(caller.receipt(job_id).members))


def _address(caller: Client, asset_id: str) -> str:
    return _asset(caller, asset_id).url


def _asset(caller: Client, asset_id: str) -> AssetRead:
    return caller.read(partial(read_asset.sync_detailed, asset_id)).value


def _verified(files: Files, *, mouths: bool) -> dict[str, Any]:
    """What a second reading says of one master."""
    differences = [
        Difference(fact=f"checksum of the {what}", first=announced, second=there)
        for what, path, announced in (
            ("source", files.source, files.receipt.input_video.sha256),
            ("audio", files.audio, files.receipt.input_audio.sha256),
            ("master", files.master, files.receipt.output_video.sha256),
        )
        if (there := sha256_of(path)) != announced
    ]
    try:
        video, sound = _read(files)
    except DublineError as error:
        return {"verified": False, "differences": _difference_rows(differences), "error": problem_of(error)}
    if video.record is None or sound.media.audio is None:
        raise BadInput("The source shows no frame.", where={"file": files.source.name})
    plan, unlaid = _plan(files, video.media, sound.media)
    given = _given(files, sound.media, plan)
    check = check_master(files.master, video.record, given, [shot.start for shot in files.receipt.shots[1:]])
    differences += [*unlaid, *check.differences]
    reported = {warning.code for warning in files.receipt.warnings}
    now = [*video.media.findings, *sound.media.findings, *plan.findings]
    return {
        "verified": not differences,
        "differences": _difference_rows(differences),
        "pixels": check.pixels.model_dump(mode="json"),
        "sound": check.sound.model_dump(mode="json"),
        "readings": {"source": _by(video), "audio": _by(sound), "master": list(check.reading.by)},
        "not_told_then": [one.model_dump(mode="json") for one in now if one.code not in reported],
        "mouths": [one.model_dump(mode="json") for one in _mouths_of(files, video.media)]
        if mouths and not differences
        else None,
    }


def _mouths_of(files: Files, media: MediaInfo) -> tuple[Finding, ...]:
    """The mouths, by a reader of each picture."""
    from dubbing.faces.detector import MediaPipeDetector  # noqa: PLC0415 - takes seconds, which no other command shall wait
    from services.cli.mouth_inspection import inspect_mouths  # noqa: PLC0415 - the same

    made = probe(files.master, "video").video
    if media.video is None or made is None:
        return ()
    with MediaPipeDetector(CHECKOUT / MediaSettings().face_model) as detector:
        return inspect_mouths(FrameReader(files.source, media.video), FrameReader(files.master, made), detector)


def _read(files: Files) -> tuple[ReadFile, ReadFile]:
    seen = files.receipt.witness.video if files.receipt.witness is not None else None
    used = files.receipt.input_audio
    choice = SoundChoice(tracks=used.tracks, channels=used.picked) if files.receipt.witness is not None else SoundChoice()
    with naming(files.source.name, "video"):
        video = read_video(files.source, seen.first.tracks[0] if seen is not None and seen.first.tracks else None)
    with naming(files.audio.name, "audio"):
        return video, read_audio(files.audio, choice)


def _plan(files: Files, video: MediaInfo, audio: MediaInfo) -> tuple[SyncPlan, list[Difference]]:
    """How the sound must lie, by today's reading; what the receipt says of it, where that is something else."""
    sync, planned = files.receipt.sync, files.receipt.plan
    try:
        plan = check_pair(video, audio, sync.mode, sync.tolerance_frames)
    except DurationMismatch as error:
        parity = files.receipt.parity
        whole = SyncPlan(mode=sync.mode, sample_rate=parity.sample_rate, keep=parity.samples_out)
        return planned or whole, [Difference(fact="lengths", first=error.detail, second="it was delivered")]
    if planned is None or planned.model_copy(update={"findings": ()}) == plan.model_copy(update={"findings": ()}):
        return plan, []
    laid = [
        f"{one.lead}+{one.keep}+{one.pad} samples from {one.start} s, picture {one.picture_after} s later"
        for one in (plan, planned)
    ]
    return plan, [Difference(fact="plan", first=laid[0], second=laid[1])]


def _given(files: Files, audio: MediaInfo, plan: SyncPlan) -> Given:
    """How closely the master's samples must follow the given ones: by the codec that the master has."""
    info = audio.audio
    if info is None:
        raise BadInput("The track has no sound.", where={"file": files.audio.name})
    sounds = read_header(files.master).sounds
    lossy = bool(sounds) and sounds[0].codec == "AAC"
    return Given(files.audio, info, plan, exact=not lossy and info.lossless and not info.floating, lossy=lossy)


def _by(found: ReadFile) -> list[str]:
    witness = found.media.witness
    return [*witness.first.by, *witness.second.by] if witness is not None else []


def _difference_rows(differences: list[Difference]) -> list[dict[str, Any]]:
    return [one.model_dump(mode="json") for one in differences]


def _print(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found[0] if len(found) == 1 else {"items": found}, indent=2))
        return
    console = Console(highlight=False, soft_wrap=True)
    for one in found:
        name = f"{one['job']}: " if "job" in one else ""
        if one["verified"]:
            pixels, sound = one["pixels"], one["sound"]
            exact = "every sample equal" if sound["exact"] else f"samples within {sound['worst']:.1e} of full scale"
            console.print(f"{name}verified: {pixels['frames']} frames compared in pixels, {sound['samples']} samples: {exact}")
        else:
            console.print(f"{name}NOT verified", style="bold red")
        for difference in one["differences"]:
            console.print(f"  {difference['fact']}: {difference['first']}, but {difference['second']}", markup=False)
        if "error" in one:
            console.print(f"  {one['error']['code']}: {one['error']['detail']}", markup=False)
        for finding in one.get("mouths") or ():
            console.print(f"  look: {finding['detail']} ({finding['code']})", markup=False)
        for finding in one.get("not_told_then", ()):
            console.print(f"  not told then: {finding['detail']} ({finding['code']})", markup=False)
