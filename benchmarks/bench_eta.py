"""``make bench-eta``: how far the time left that jobs tell is from the time that they take, on the local stack.

Samples what every job tells once a second, from the answer that accepts it to its end, and compares it with what was left in
truth. Prints and writes to results/bench_eta.json, for each part and for all:

- |shown - actual| over the bound, 30 % of the actual time left and 5 s: median, 90th percentile (goal: at most 1), and worst;
- samples that told nothing count as worse than any;
- the job whose 90th percentile is worst, with what it told first and what it took.

The parts: ``cold``, films that nobody knows, one after another; ``warm``, the same films with other sound; ``queued``, many at
once; ``contended``, one every second, of several lengths, known and unknown. Films are the demonstration's sample, scaled and
repeated, and new to the stack by their metadata. What is learned stays: on a fresh stack the first jobs are told by what other
machines took. Nothing else should run meanwhile; the load before each part is in the result.
"""

import argparse
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, Self

import httpx
from bench_job import ffmpeg, host
from report import save

from dubbing.domain.jobs import SUCCEEDED, TERMINAL
from services.cli.client import Client
from services.stack.public import LocalStack, default_home
from synthetic.demo import make_demo_sample

FPS, SHARE, FREE = 25, 0.3, 5.0
HEIGHTS = (360, 720)
PARTS = ("cold", "warm", "queued", "contended")


class Material(NamedTuple):
    """What a job is made of: assets, and the seconds of both."""

    video: str
    audio: str
    seconds: int


class ShownTime(NamedTuple):
    """The time left that a job told, when, and in which phase."""

    at: float
    seconds: float | None
    phase: str


@dataclass
class Watched:
    """A job, and all that it told."""

    part: str
    shown: list[ShownTime] = field(default_factory=list)
    finished: float = 0.0

    def errors(self) -> list[float]:
        """Each sample's distance from the truth, over the bound."""
        return [error(one.seconds, self.finished - one.at) for one in self.shown if one.at <= self.finished]

    @property
    def took(self) -> float:
        """Seconds from its submission to its end."""
        return self.finished - self.shown[0].at


def error(shown: float | None, actual: float) -> float:
    """|shown - actual| over the bound; infinite for no answer."""
    return inf if shown is None else abs(shown - actual) / (SHARE * actual + FREE)


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=7, help="unknown films of each part; a job each, and more of known ones")
    parser.add_argument("--seconds", type=int, nargs="+", default=[3, 8], help="lengths of the films, in turns")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two samples")
    parser.add_argument("--out", type=Path, help="folder; default benchmarks/results")
    options = parser.parse_args()
    stack = LocalStack(default_home(), os.environ)
    was_up = stack.status().supervisor is not None
    print("starting the stack", file=sys.stderr)
    stack.start()
    try:
        with tempfile.TemporaryDirectory(prefix="dubline-bench-") as folder, Bench(stack.env(), Path(folder), options) as bench:
            result = {"machine": host(), "fps": FPS, "seconds": options.seconds, "heights": HEIGHTS, **bench.run()}
    finally:
        if not was_up:
            stack.stop()
    save("bench_eta", result, options.out)
    show(result)


class Bench:
    """Submits jobs and watches them."""

    def __init__(self, env: dict[str, str], folder: Path, options: argparse.Namespace) -> None:
        self._client = Client(env["DUBLINE_API_URL"], env["DUBLINE_API_KEY"])
        headers = {"Authorization": f"Bearer {env['DUBLINE_API_KEY']}"}
        self._api = httpx.Client(base_url=env["DUBLINE_API_URL"], headers=headers, timeout=60)
        self._folder, self._options = folder, options
        self._jobs: dict[str, Watched] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._api.close()

    def run(self) -> dict[str, Any]:
        """All parts, one after another."""
        loads, films, began = {}, list(self._films(self._options.films)), time.monotonic()
        for part in PARTS:
            loads[part] = round(os.getloadavg()[0], 2)
            print(f"{part}, {time.monotonic() - began:.0f} s", file=sys.stderr)
            getattr(self, f"_{part}")(films)
        jobs = list(self._jobs.values())
        parts = {part: summary([job for job in jobs if job.part == part]) for part in PARTS}
        worst = max(jobs, key=lambda job: percentile(job.errors(), 0.9))
        samples = [[round(one.at - worst.shown[0].at, 1), one.seconds, one.phase] for one in worst.shown]
        return {
            "took": round(time.monotonic() - began),
            "load_before": loads,
            "parts": {**parts, "all": summary(jobs)},
            "worst_job": {
                "part": worst.part,
                "shown_first": worst.shown[0].seconds,
                "took": round(worst.took, 1),
                "p90": rounded(percentile(worst.errors(), 0.9)),
                "samples": samples,
            },
            "jobs": [
                [job.part, job.shown[0].seconds, round(job.took, 1), rounded(percentile(job.errors(), 0.9))] for job in jobs
            ],
        }

    def _cold(self, films: list[Material]) -> None:
        for film in films:
            self._until_ended([self._submit("cold", film)])

    def _warm(self, films: list[Material]) -> None:
        for film in films * 2:
            self._until_ended([self._submit("warm", self._with_other_sound(film))])

    def _queued(self, films: list[Material]) -> None:
        """New films, and twice as many new tracks for known ones, all at once."""
        new, known = list(self._films(len(films))), [self._with_other_sound(film) for film in films * 2]
        self._until_ended([self._submit("queued", film) for film in (*new, *known)])

    def _contended(self, films: list[Material]) -> None:
        """One job at each sample, whatever the ones before do."""
        new, known = list(self._films(len(films))), [self._with_other_sound(film) for film in films * 2]
        waiting = [film for trio in zip(new, known[::2], known[1::2], strict=True) for film in trio]
        submitted: list[Watched] = []
        for film in waiting:
            submitted.append(self._submit("contended", film))
            self._sample()
            time.sleep(self._options.every)
        self._until_ended(submitted)

    def _submit(self, part: str, film: Material) -> Watched:
        video, audio = ({"type": "asset", "id": asset} for asset in (film.video, film.audio))
        answer = self._api.post("/v1/lipsyncs", json={"video": video, "audio": audio, "model": "tiny", "seed": 1})
        if answer.is_error:
            raise SystemExit(answer.text)
        job = answer.json()
        watched = self._jobs[job["id"]] = Watched(part)
        watched.shown.append(ShownTime(time.time(), job["progress"]["eta_seconds"], job["phase"]))
        return watched

    def _sample(self) -> None:
        """What every job tells now."""
        for job in self._api.get("/v1/jobs", params={"limit": 100}).json()["items"]:
            watched = self._jobs.get(job["id"])
            if watched is None or watched.finished:
                continue
            if job["status"] in TERMINAL:
                if job["status"] not in SUCCEEDED:
                    raise SystemExit(f"{job['id']} {job['status']}: {job['error']}")
                watched.finished = datetime.fromisoformat(job["finished_at"]).astimezone(UTC).timestamp()
            else:
                watched.shown.append(ShownTime(time.time(), job["progress"]["eta_seconds"], job["phase"]))

    def _until_ended(self, jobs: Iterable[Watched]) -> None:
        jobs = list(jobs)
        while not all(job.finished for job in jobs):
            time.sleep(self._options.every)
            self._sample()

    def _films(self, count: int) -> Iterator[Material]:
        """Pictures and sounds that the stack has never seen, uploaded."""
        sample = default_home().root / "sample"
        if not (sample / "replacement.wav").exists():
            make_demo_sample(sample)
        for number in range(count):
            seconds = self._options.seconds[number % len(self._options.seconds)]
            height = HEIGHTS[number // 2 % len(HEIGHTS)]
            path = self._folder / f"{uuid.uuid4()}.mp4"
            codec = ("-vf", f"scale=-2:{height}", "-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p")
            source = ("-stream_loop", "-1", "-i", sample / "speaker.mp4", "-an", "-frames:v", str(seconds * FPS))
            ffmpeg(*source, *codec, "-metadata", f"comment={uuid.uuid4()}", path)
            yield Material(self._upload(path), self._sound(seconds), seconds)

    def _with_other_sound(self, film: Material) -> Material:
        return film._replace(audio=self._sound(film.seconds))

    def _sound(self, seconds: int) -> str:
        path = self._folder / f"{uuid.uuid4()}.wav"
        sample = default_home().root / "sample" / "replacement.wav"
        ffmpeg("-stream_loop", "-1", "-i", sample, "-t", seconds, "-metadata", f"comment={uuid.uuid4()}", path)
        return self._upload(path)

    def _upload(self, path: Path) -> str:
        asset = self._client.upload(path, lambda _: None)
        path.unlink()
        return str(asset)


def row(job: Watched) -> list[Any]:
    """Its part, what it told first, what it took, and the 90th percentile of its errors."""
    return [job.part, job.shown[0].seconds, round(job.took, 1), rounded(percentile(job.errors(), 0.9))]


def summary(jobs: list[Watched]) -> dict[str, Any]:
    """Of some jobs' samples."""
    errors = [one for job in jobs for one in job.errors()]
    return {
        "jobs": len(jobs),
        "samples": len(errors),
        "longest_seconds": round(max(job.took for job in jobs), 1),
        "median": rounded(median(errors)),
        "p90": rounded(percentile(errors, 0.9)),
        "worst": rounded(max(errors)),
        "worst_job_p90": rounded(max(percentile(job.errors(), 0.9) for job in jobs)),
    }


def percentile(values: list[float], share: float) -> float:
    """The value that ``share`` of the values do not exceed."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def rounded(value: float) -> float | None:
    """For JSON, which knows no infinity: None stands for a sample that told nothing."""
    return None if value == inf else round(value, 3)


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    columns = ("jobs", "samples", "longest_seconds", "median", "p90", "worst", "worst_job_p90")
    print(f"{'':12}" + "".join(f"{name.replace('_', ' '):>17}" for name in columns))
    for part, row in result["parts"].items():
        print(f"{part:12}" + "".join(f"{row[name]!s:>17}" for name in columns))
    worst = result["worst_job"]
    print(f"error over 30 % + 5 s; goal: p90 of all at most 1. Took {result['took']} s; load before {result['load_before']}")
    print(f"worst job ({worst['part']}): showed {worst['shown_first']} s first, took {worst['took']} s")


if __name__ == "__main__":
    main()
