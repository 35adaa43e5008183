"""``make bench-job``: the main job at 1080p on the local stack, by phase, against a plain transcode of the same clip.

Prints and writes to results/bench_job.json, for each clip length:

- seconds of each phase, as the job itself tells them;
- prepare and stitch: analysis plus painting, encoding and muxing, over what a plain ffmpeg transcode of the same clip with the
  same encoder settings takes, run before and after the job; goal: at most 1.5. Twice: in seconds by the clock, and in seconds
  of processor time of the prepare and stitch workers, which other work on the machine disturbs less;
- processor seconds of the second reading and (at most) of the guard, repeated here, over those of all processes of the stack
  during the job; goals: at most 0.12 and 0.04;
- frames per second of the whole job, from submission to master; goal: 25;
- peak memory of each process of the stack (resident, as the kernel notes it, children added), and how it grows with the
  length. The shortest clip comes once more at the end, in the same processes: what they hold by then is not the length's.

The clips are the demonstration's sample, scaled to 1920 x 1080 and repeated. Every clip is new to the stack, so nothing is
found in a cache. Nothing else should run meanwhile; the load before each job is in the result.
"""

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import suppress
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import imageio_ffmpeg
import psutil
from proofs import guard_cpu, witness_cpu
from report import commit, cpu_name, save

from dubbing.domain.jobs import SUCCEEDED, TERMINAL, Phase
from dubbing.settings import MediaSettings
from dubline_client.models import LipsyncCreate
from services.cli.client import Client
from services.stack.public import LocalStack, default_home, process_tree
from synthetic.demo import make_demo_sample

FPS, SIZE = 25, "1920:1080"
OWN_PHASES = (Phase.ANALYZING, Phase.STITCHING)
OWN_WORKERS = ("worker-prepare", "worker-stitch")
_RESET_PEAK = "5"  # to /proc/PID/clear_refs (proc_pid_clear_refs(5))


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", type=int, nargs="+", default=[10, 60, 300], help="seconds of the clips")
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--out", type=Path, help="folder; default benchmarks/results")
    options = parser.parse_args()
    stack = LocalStack(default_home(), os.environ)
    was_up = stack.status().supervisor is not None
    print("starting the stack", file=sys.stderr)
    stack.start()
    try:
        with tempfile.TemporaryDirectory(prefix="dubline-bench-") as folder:
            rows: list[dict[str, Any]] = []
            shortest, *longer = sorted(options.lengths)
            for length in (shortest, *longer, shortest) if longer else (shortest,):
                rows.append(measure(stack, Path(folder), length, options.model))
                # After each clip: the longest takes long, and what was measured by then is worth keeping.
                facts = {"machine": host(), "model": options.model, "size": SIZE, "fps": FPS}
                result = {**facts, "clips": rows, "memory_growth": growth(rows)}
                save("bench_job", result, options.out)
    finally:
        if not was_up:
            stack.stop()
    show(result)


def host() -> dict[str, Any]:
    """Processor, cores and memory."""
    memory = round(psutil.virtual_memory().total / 2**30, 1)
    return {"cpu": cpu_name(), "cores": os.cpu_count(), "memory_gib": memory, "commit": commit()}


def measure(stack: LocalStack, folder: Path, seconds: int, model: str) -> dict[str, Any]:
    """One job over a clip of ``seconds``."""
    print(f"{seconds} s: making the clip", file=sys.stderr)
    picture, sound = make_clip(folder, seconds)
    frames = seconds * FPS
    env = stack.env()
    client = Client(env["DUBLINE_API_URL"], env["DUBLINE_API_KEY"])
    assets = [client.upload(path, lambda _: None) for path in (picture, sound)]
    load = os.getloadavg()[0]
    before = transcode(picture, sound, folder)  # seconds, processor seconds
    print(f"{seconds} s: dubbing", file=sys.stderr)
    with Meter(stack) as meter:
        job = run_job(client, *assets, model)
    plain, plain_cpu = (sum(pair) / 2 for pair in zip(before, transcode(picture, sound, folder), strict=True))
    phases = phases_of(job)
    master = folder / "master.mp4"
    client.download(lambda: client.job(job["id"]).members["links"]["output"], master)
    receipt = client.receipt(job["id"]).members
    whole_cpu = sum(meter.cpu.values())
    proofs = {
        "witness": witness_cpu(picture, sound, master, receipt, children_cpu),
        "guard": guard_cpu(picture, master, {i for part in receipt["touched"] for i in range(part["start"], part["end"])}),
    }
    own, own_cpu = (sum(taken[name] for name in names) for taken, names in ((phases, OWN_PHASES), (meter.cpu, OWN_WORKERS)))
    whole = between(job["created_at"], job["finished_at"])
    for path in (picture, sound, master):
        path.unlink()
    return {
        "seconds": seconds,
        "frames": frames,
        "load_before": round(load, 2),
        "phases": {name: round(taken, 2) for name, taken in phases.items()},
        "stitch_timings": receipt["timings"],
        "whole_seconds": round(whole, 2),
        "frames_per_second": round(frames / whole, 2),
        "generation_frames_per_second": job["progress"]["fps"],
        "transcode_seconds": round(plain, 2),
        "prepare_and_stitch_over_transcode": round(own / plain, 2),
        "transcode_cpu_seconds": round(plain_cpu, 2),
        "prepare_and_stitch_over_transcode_cpu": round(own_cpu / plain_cpu, 2),
        "witness_share_of_cpu": round(proofs["witness"] / whole_cpu, 4),
        "guard_share_of_cpu": round(proofs["guard"] / whole_cpu, 4),
        "cpu_seconds": {name: round(taken, 2) for name, taken in meter.cpu.items()},
        "peak_mib": {name: round(size / 2**20) for name, size in meter.peak.items()},
    }


def make_clip(folder: Path, seconds: int) -> tuple[Path, Path]:
    """A picture of exactly ``seconds`` at 1080p and a track of the same length, with bytes that no stack has seen."""
    sample = default_home().root / "sample"
    if not (sample / "replacement.wav").exists():
        make_demo_sample(sample)
    picture, sound = folder / f"clip-{seconds}.mp4", folder / f"track-{seconds}.wav"
    new = ("-metadata", f"comment={uuid.uuid4()}")
    looped = ("-stream_loop", "-1", "-i")
    codec = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "17", "-pix_fmt", "yuv420p")
    frames = ("-frames:v", str(seconds * FPS))
    ffmpeg(*looped, sample / "speaker.mp4", "-an", "-vf", f"scale={SIZE}:flags=lanczos", *codec, *frames, *new, picture)
    ffmpeg(*looped, sample / "replacement.wav", "-t", seconds, *new, sound)
    return picture, sound


def transcode(picture: Path, sound: Path, folder: Path) -> tuple[float, float]:
    """Seconds and processor seconds that ffmpeg alone takes for picture and track with the encoder settings of masters."""
    settings = MediaSettings()
    codec = ("-c:v", "libx264", "-preset", settings.preset, "-crf", settings.crf, "-threads", settings.threads)
    began, used = time.perf_counter(), children_cpu()
    ffmpeg("-i", picture, "-i", sound, "-map", "0:v", "-map", "1:a", *codec, "-c:a", "aac", folder / "plain.mp4")
    return time.perf_counter() - began, children_cpu() - used


def children_cpu() -> float:
    """Processor seconds of all programs that this process has run to their end."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def ffmpeg(*arguments: object) -> None:
    """Run ffmpeg quietly."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([program, "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)


def run_job(client: Client, video: str, audio: str, model: str) -> dict[str, Any]:
    """Submit and wait."""
    request = {"video": {"type": "asset", "id": video}, "audio": {"type": "asset", "id": audio}, "model": model, "seed": 1}
    job = client.submit(LipsyncCreate.from_dict(request)).members
    while job["status"] not in TERMINAL:
        time.sleep(0.5)
        job = client.job(job["id"]).members
    if job["status"] not in SUCCEEDED:
        raise SystemExit(f"the job {job['status']}: {json.dumps(job['error'])}")
    return job


def phases_of(job: dict[str, Any]) -> dict[str, float]:
    """Seconds of each phase; what lies before the first is the wait for a worker."""
    times = [(name, job["progress"]["phases"][name]["started_at"]) for name in Phase]
    marks = [("waiting", job["created_at"]), *((str(name), at) for name, at in times if at), ("end", job["finished_at"])]
    return {name: between(at, after) for (name, at), (_, after) in pairwise(marks)}


def between(first: str, last: str) -> float:
    """Seconds from one time to another."""
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


class Meter:
    """Peak memory and processor seconds of each process of the stack while it is open, children included."""

    def __init__(self, stack: LocalStack) -> None:
        self.peak: dict[str, int] = {}
        self.cpu: dict[str, float] = {}
        self._before: dict[str, float] = {}
        self._stack = stack

    def __enter__(self) -> Self:
        families = self._families()
        for process in itertools.chain(*families.values()):
            with suppress(OSError):
                Path(f"/proc/{process.pid}/clear_refs").write_text(_RESET_PEAK)
        self._before = {name: sum(map(used_cpu, family)) for name, family in families.items()}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        families = self._families()
        self.peak = {name: sum(map(most_resident, family)) for name, family in families.items()}
        self.cpu = {name: sum(map(used_cpu, family)) - self._before.get(name, 0.0) for name, family in families.items()}

    def _families(self) -> dict[str, list[psutil.Process]]:
        running = [process for process in self._stack.status().processes if process.pid is not None]
        return {process.name: process_tree(process.pid or 0) for process in running}


def most_resident(process: psutil.Process) -> int:
    """Most bytes that a process held at once since its peak was reset; 0 for one that has just ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    return 0


def used_cpu(process: psutil.Process) -> float:
    """Processor seconds of a process and of its children that have ended; 0 for one that has just ended itself."""
    with suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0


def growth(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Peak over the longest clip divided by the peak over the shortest, before it."""
    first, last = rows[0]["peak_mib"], max(rows, key=lambda row: int(row["seconds"]))["peak_mib"]
    return {name: round(last[name] / size, 2) for name, size in first.items() if size and name in last}


def show(result: dict[str, Any]) -> None:
    """Print the tables."""
    rows = result["clips"]
    columns = [f"{row['seconds']} s" for row in rows]
    print(" " * 56 + "".join(f"{column:>10}" for column in columns))
    for phase in ("waiting", *Phase):
        _line(f"{phase} (s)", [row["phases"].get(str(phase), 0.0) for row in rows])
    for name, unit in (
        ("whole_seconds", "s"),
        ("frames_per_second", "goal 25"),
        ("generation_frames_per_second", ""),
        ("transcode_seconds", "s"),
        ("prepare_and_stitch_over_transcode", "goal 1.5"),
        ("transcode_cpu_seconds", "s"),
        ("prepare_and_stitch_over_transcode_cpu", "goal 1.5"),
        ("witness_share_of_cpu", "goal 0.12"),
        ("guard_share_of_cpu", "goal 0.04"),
        ("load_before", ""),
    ):
        _line(f"{name.replace('_', ' ')} {f'({unit})' if unit else ''}", [row[name] for row in rows])
    print("peak memory in MiB")
    for name in rows[0]["peak_mib"]:
        _line(f"  {name}", [row["peak_mib"].get(name, 0) for row in rows], result["memory_growth"].get(name))


def _line(name: str, values: list[Any], ratio: float | None = None) -> None:
    cells = "".join(f"{value if value is not None else '-':>10}" for value in values)
    print(f"{name:56}"[:56] + cells + (f"   x{ratio}" if ratio else ""))


if __name__ == "__main__":
    main()
