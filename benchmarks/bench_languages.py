"""``make bench-languages``: what a title's languages cost after the first, by phase, on the local stack.

Prints and writes to results/bench_languages.json, for a clip at 1080p and each of its languages, one after another:

- seconds before generation, by the jobs' own times: probing, analysis and encoding. For the first language these of the title's
  own job, too. Languages 2 and later over the first; goal: at most 0.05;
- seconds of everything but generation, over the first (reported: stitching is each language's own);
- then a revision of the last language with another last second: how long it took over the language before, whole.

Every clip is new to the stack. Nothing else should run meanwhile.
"""

import argparse
import os
import sys
import tempfile
import time
import wave
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np
from bench_job import between, host, make_clip
from report import save

from dubbing.domain.jobs import SUCCEEDED, TERMINAL
from services.cli.client import Client
from services.stack.public import LocalStack, default_home

TAGS = ("de", "fr", "es", "it", "pt-BR", "pl", "nl", "sv", "da", "fi")
Job = dict[str, Any]


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=20, help="of the clip")
    parser.add_argument("--languages", type=int, default=10, choices=range(2, len(TAGS) + 1))
    parser.add_argument("--out", type=Path, help="folder; default benchmarks/results")
    options = parser.parse_args()
    stack = LocalStack(default_home(), os.environ)
    was_up = stack.status().supervisor is not None
    print("starting the stack", file=sys.stderr)
    stack.start()
    try:
        with tempfile.TemporaryDirectory(prefix="dubline-bench-") as folder:
            result = {"machine": host(), "seconds": options.seconds, **measure(stack, Path(folder), options)}
    finally:
        if not was_up:
            stack.stop()
    save("bench_languages", result, options.out)
    show(result)


def measure(stack: LocalStack, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All languages, one after another, and a revision of the last."""
    env = stack.env()
    client = Client(env["DUBLINE_API_URL"], env["DUBLINE_API_KEY"])
    headers = {"Authorization": f"Bearer {env['DUBLINE_API_KEY']}"}
    picture, sound = make_clip(folder, options.seconds)
    with httpx.Client(base_url=env["DUBLINE_API_URL"], headers=headers, timeout=60) as api:

        def sent(path: Path) -> dict[str, str]:
            return {"type": "asset", "id": str(client.upload(path, lambda _: None))}

        title = answer(api.post("/v1/titles", json={"name": "Benchmark", "video": sent(picture)}))
        analysis = ended(client, title["analysis"]["job"])
        at = f"/v1/titles/{title['id']}/languages"
        jobs = []
        for number, tag in enumerate(TAGS[: options.languages]):
            print(tag, file=sys.stderr)
            audio = sent(other(sound, folder / f"{tag}.wav", number))
            answer(api.post(at, json={"language": tag, "audio": audio}))
            jobs.append(ended(client, answer(api.post(f"{at}/{tag}/render", json={}))["id"]))
        revised = sent(with_another_end(folder / f"{tag}.wav", folder / "revised.wav"))
        answer(api.put(f"{at}/{tag}/audio", json={"audio": revised}))
        revision = ended(client, answer(api.post(f"{at}/{tag}/render", json={}))["id"])
    return summary(analysis, jobs, revision)


def other(sound: Path, path: Path, number: int) -> Path:
    """The track, turned by so many seconds: another sound of the same length and level."""
    parameters, samples = samples_of(sound)
    return written(path, parameters, np.roll(samples, number * parameters.framerate))


def with_another_end(sound: Path, path: Path) -> Path:
    """The track with its last second backwards."""
    parameters, samples = samples_of(sound)
    samples[-parameters.framerate :] = samples[-parameters.framerate :][::-1].copy()
    return written(path, parameters, samples)


def samples_of(path: Path) -> tuple[Any, Any]:
    """Parameters and samples of a mono track with 16 bits."""
    with wave.open(str(path)) as file:
        return file.getparams(), np.frombuffer(file.readframes(file.getnframes()), "<i2").copy()


def written(path: Path, parameters: Any, samples: Any) -> Path:
    """A WAV file of the samples."""
    with wave.open(str(path), "wb") as file:
        file.setparams(parameters)
        file.writeframes(samples.tobytes())
    return path


def answer(response: httpx.Response) -> dict[str, Any]:
    """What the API answers; stops where it refuses."""
    if response.is_error:
        raise SystemExit(f"{response.request.method} {response.request.url}: {response.text}")
    return dict(response.json())


def ended(client: Client, job_id: str) -> Job:
    """The job when it has succeeded."""
    while True:
        job: Job = client.job(job_id).members
        if job["status"] in TERMINAL:
            if job["status"] not in SUCCEEDED:
                raise SystemExit(f"{job_id} {job['status']}: {job['error']}")
            return job
        time.sleep(0.2)


def summary(analysis: Job, jobs: list[Job], revision: Job) -> dict[str, Any]:
    """Seconds of each language, and the others over the first."""
    first, *later = [{"language": job["language"], **seconds_of(job)} for job in jobs]
    own = between(analysis["created_at"], analysis["finished_at"])
    first["before_generation"] = round(first["before_generation"] + own, 2)
    first["all_but_generation"] = round(first["all_but_generation"] + own, 2)
    before, rest = (median(row[name] for row in later) for name in ("before_generation", "all_but_generation"))
    return {
        "title": {"analysis": round(own, 2)},
        "languages": [first, *later],
        "before_generation_over_first": round(before / first["before_generation"], 4),
        "all_but_generation_over_first": round(rest / first["all_but_generation"], 4),
        "revision": {**seconds_of(revision), "over_the_language_before": round(whole(revision) / whole(jobs[-1]), 3)},
    }


def seconds_of(job: Job) -> dict[str, float]:
    """Of a rendered language, by what it was busy with."""
    marks = [job["progress"]["phases"][name]["started_at"] for name in ("generating", "stitching")]
    waiting, generating, stitching = (between(*pair) for pair in pairwise([job["started_at"], *marks, job["finished_at"]]))
    return {
        "before_generation": round(waiting, 2),
        "generation": round(generating, 2),
        "stitching": round(stitching, 2),
        "all_but_generation": round(waiting + stitching, 2),
    }


def whole(job: Job) -> float:
    """Seconds from its first work to its master."""
    return between(job["started_at"], job["finished_at"])


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    columns = ("before_generation", "generation", "stitching", "all_but_generation")
    print(f"{'seconds':12}" + "".join(f"{name.replace('_', ' '):>20}" for name in columns))
    for row in (*result["languages"], {"language": "revision", **result["revision"]}):
        print(f"{row['language']:12}" + "".join(f"{row[name]:>20}" for name in columns))
    print(f"before generation, over the first language: {result['before_generation_over_first']} (goal 0.05)")
    print(f"all but generation, over the first language: {result['all_but_generation_over_first']}")
    print(f"a revision of one second, over its language before: {result['revision']['over_the_language_before']}")


if __name__ == "__main__":
    main()
