"""The command line against a whole system."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import numpy as np
import pytest
from in_process import dubline
from waiting import until

from dubbing.storage.s3 import S3Store
from services.stack import reap
from services.stack.bootstrap import store_settings
from services.stack.home import CHECKOUT
from services.stack.local import LocalStack
from synthetic.clip import render_clip
from synthetic.identity import Identity
from synthetic.splits import Split, identity_seed, members
from synthetic.utterance import Voice, fit, speak

pytestmark = [pytest.mark.stack, pytest.mark.slow]
FRAMES, FPS, RATE = 40, 25, 48_000
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def environ(system: LocalStack) -> dict[str, str]:
    settings = {key: value for key, value in system.env().items() if key.startswith("DUBLINE_API_")}
    return {**os.environ, **settings, "PYTHONPATH": f"{CHECKOUT / 'shared'}:{CHECKOUT}"}


@pytest.fixture(scope="module")
def run(environ: dict[str, str]) -> Run:
    def run(*arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
        return dubline({**environ, **more}, *arguments)

    return run


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short film of a person made by code, small and with room around the face."""
    path = tmp_path_factory.mktemp("clip") / "speaker.mp4"
    voice = Voice("en-us", members("voice", Split.TEST)[0], 150, 45, 55, Fraction(1))
    speech = fit(speak("Good morning, and welcome.", voice, RATE), FRAMES * RATE // FPS, 0)
    who = Identity.draw(identity_seed(Split.TEST, 6))
    pictures, _ = render_clip(who, speech, fps=Fraction(FPS), size=(360, 640), frames=FRAMES, seed=6)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_track(tmp_path_factory.mktemp("track") / "track.wav", FRAMES)


def ffmpeg(*words: object) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *map(str, words)]
    subprocess.run(command, check=True)


def write_track(path: Path, frames: int) -> Path:
    samples = frames * RATE // FPS
    sound = 8000 * np.sin(np.arange(samples) * 0.05) * (np.arange(samples) // 6000 % 2)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, samples, "NONE", ""))
        file.writeframes(sound.astype("<i2").tobytes())
    return path


@pytest.fixture(scope="module")
def dubbed(run: Run, clip: Path, track: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    output = tmp_path_factory.mktemp("out") / "new" / "master.mp4"
    done = run("dub", clip, track, "-o", output, "--json", "--seed", 7)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)  # exactly one object, or this fails


def test_dub_delivers_the_file_that_the_receipt_describes(run: Run, dubbed: dict[str, Any]) -> None:
    receipt = json.loads(run("receipt", dubbed["job"]["id"]).stdout)
    master = Path(dubbed["output"])
    assert dubbed["status"].startswith("succeeded")
    assert hashlib.sha256(master.read_bytes()).hexdigest() == receipt["output_video"]["sha256"]
    assert receipt["output_video"]["frames"] == FRAMES
    assert receipt["seed"] == 7
    assert not list(master.parent.glob(".*"))  # no partial download is left


def test_preview_is_a_picture(run: Run, dubbed: dict[str, Any], tmp_path: Path) -> None:
    done = run("preview", dubbed["job"]["id"], "-o", tmp_path / "sheet.png")
    assert done.returncode == 0, done.stderr
    with av.open(str(tmp_path / "sheet.png")) as picture:
        assert next(picture.decode(video=0)).width > 100


def test_jobs_and_job_show_what_was_dubbed(run: Run, dubbed: dict[str, Any]) -> None:
    job_id = dubbed["job"]["id"]
    assert job_id in run("jobs").stdout
    assert job_id in [item["id"] for item in json.loads(run("jobs", "--json").stdout)["items"]]
    assert json.loads(run("job", job_id, "--json").stdout)["status"] == dubbed["status"]
    assert "demonstration" in run("job", job_id).stdout


def test_a_master_is_verified_from_its_files_and_by_its_job(
    run: Run, dubbed: dict[str, Any], clip: Path, track: Path, tmp_path: Path
) -> None:
    job_id, receipt = dubbed["job"]["id"], tmp_path / "receipt.json"
    receipt.write_text(run("receipt", job_id).stdout)
    done = run("verify", clip, track, dubbed["output"], receipt)
    assert (done.returncode, "every sample equal" in done.stdout) == (0, True), done.stdout + done.stderr
    by_job = run("verify", "--job", job_id, "--json")
    assert by_job.returncode == 0, by_job.stdout + by_job.stderr
    assert json.loads(by_job.stdout)["verified"]
    # Another file under the master's name, and a master that lacks a frame.
    spoiled = tmp_path / "spoiled.mp4"
    ffmpeg("-i", dubbed["output"], "-vf", f"trim=end_frame={FRAMES - 1}", "-c:a", "copy", spoiled)
    done = run("verify", clip, track, spoiled, receipt, "--json")
    assert done.returncode == 1
    assert {"checksum of the master", "frames"} <= {one["fact"] for one in json.loads(done.stdout)["differences"]}


@pytest.mark.parametrize("words", [(), ("a.mp4",), ("a", "b", "c", "d"), ("a.mp4", "--job", "job_1")])
def test_verify_says_what_it_takes(run: Run, words: tuple[str, ...]) -> None:
    done = run("verify", *words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_any_name_of_a_file_will_do_on_any_terminal(environ: dict[str, str], clip: Path, track: Path, tmp_path: Path) -> None:
    def run(*arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "services.cli.main", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, encoding="latin-1", check=False, cwd=CHECKOUT, env=environ | more)

    folder = os.fsencode(tmp_path)
    named = [folder + b"/-new\nline\tand \xe9.mp4", folder + "/дубль.wav".encode()]
    for path, given in zip(named, (clip, track), strict=True):
        Path(os.fsdecode(path)).write_bytes(given.read_bytes())
    video, audio = (Path(os.fsdecode(path)) for path in named)
    output = tmp_path / "ø\n.mp4"
    done = run("dub", "-o", output, "--", video, audio, PYTHONIOENCODING="latin-1", LC_ALL="C")
    assert done.returncode == 0, done.stderr
    assert output.stat().st_size
    refused = run("dub", "-o", output, "--json", "--", audio, video, PYTHONIOENCODING="latin-1")
    assert refused.returncode == 2, refused.stderr
    assert "дубль.wav (the video)" in json.loads(refused.stdout)["error"]["detail"]


def test_cancelling_a_finished_job_is_refused_with_its_code(run: Run, dubbed: dict[str, Any]) -> None:
    done = run("cancel", dubbed["job"]["id"], "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] == "conflict"


def test_a_file_that_is_no_video_exits_2_with_code_and_advice(run: Run, track: Path, tmp_path: Path) -> None:
    text = tmp_path / "letter.mp4"
    text.write_text("Dear Sir or Madam")
    done = run("dub", text, track, "-o", tmp_path / "out.mp4")
    assert done.returncode == 2
    assert "not_a_video" in done.stderr
    assert "\n  - " in done.stderr
    assert not (tmp_path / "out.mp4").exists()


def test_a_track_of_another_length_exits_2_and_says_by_how_much(run: Run, clip: Path, tmp_path: Path) -> None:
    long = write_track(tmp_path / "long.wav", FRAMES + 10)
    done = run("dub", clip, long, "-o", tmp_path / "out.mp4", "--json")
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["code"]) == (2, "duration_mismatch")
    assert (error["media"]["delta_frames"], error["media"]["delta_ms"]) == (10, 400)
    assert any("cut_off" in advice for advice in error["suggestions"])


@pytest.mark.parametrize(("mode", "frames"), [("cut_off", FRAMES + 10), ("silence", FRAMES - 10)])
def test_the_sync_mode_reaches_the_job(run: Run, clip: Path, tmp_path: Path, mode: str, frames: int) -> None:
    other = write_track(tmp_path / "other.wav", frames)
    done = run("dub", clip, other, "-o", tmp_path / "out.mp4", "--sync-mode", mode, "--json")
    assert done.returncode == 0, done.stdout
    job = json.loads(done.stdout)["job"]
    assert job["sync"]["mode"] == mode
    assert json.loads(run("receipt", job["id"]).stdout)["output_video"]["frames"] == FRAMES


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (("nowhere.mp4", "TRACK", "-o", "o.mp4"), {"argument": "video"}),
        (("CLIP", "nowhere.wav", "-o", "o.mp4"), {"argument": "audio"}),
        (("CLIP", "TRACK", "-o", "o.mp4", "--model", "70b"), {"option": "model"}),
        (("CLIP", "TRACK", "-o", "o.mp4", "--sync-mode", "loop"), {"option": "sync-mode"}),
        (("CLIP", "TRACK", "-o", "."), {"option": "output"}),
        (("CLIP", "TRACK", "-o", "CLIP"), {"option": "output"}),
    ],
)
def test_what_can_be_seen_at_once_is_refused_before_anything_is_sent(
    run: Run, clip: Path, track: Path, arguments: tuple[str, ...], where: dict[str, str]
) -> None:
    files = {"CLIP": str(clip), "TRACK": str(track)}
    nobody = {"DUBLINE_API_URL": "http://127.0.0.1:9", "DUBLINE_API_KEY": "dub_x_y"}
    done = run("dub", *(files.get(part, part) for part in arguments), "--json", **nobody)
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["code"], error["where"]) == (2, "invalid_request", where)


def test_an_unknown_job_exits_2(run: Run) -> None:
    done = run("job", "job_" + "0" * 26)
    assert done.returncode == 2
    assert "not_found" in done.stderr


def test_a_wrong_key_is_refused(run: Run) -> None:
    done = run("jobs", "--json", DUBLINE_API_KEY="dub_000000000000_wrong")
    assert json.loads(done.stdout)["error"]["code"] == "unauthorized"


def test_an_api_that_is_not_there_exits_1_with_advice(run: Run) -> None:
    done = run("jobs", DUBLINE_API_URL="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "api_unreachable" in done.stderr
    assert "dubline up" in done.stderr


@pytest.mark.parametrize("arguments", [("dub", "--json"), ("jobs", "--limit", "0", "--json")])
def test_arguments_that_are_not_understood_are_one_json_object_too(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (2, "invalid_request")
    assert "Usage" in done.stderr


@contextmanager
def suspended(system: LocalStack, name: str) -> Iterator[None]:
    """Jobs wait before the step of this worker, so that something can happen to them meanwhile."""
    processes = reap.process_tree(system.status().of(name).pid)
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


@pytest.fixture
def stopped_stitcher(system: LocalStack) -> Iterator[None]:
    with suspended(system, "worker-stitch"):
        yield


def test_a_job_that_fails_for_no_fault_of_its_files_exits_1(
    *, run: Run, environ: dict[str, str], system: LocalStack, clip: Path, track: Path, tmp_path: Path
) -> None:
    before = {item["id"] for item in json.loads(run("jobs", "--json").stdout)["items"]}
    own = tmp_path / "own.mp4"  # bytes that no other file shares
    ffmpeg("-i", clip, "-c", "copy", "-metadata", "title=own", own)
    command = [sys.executable, "-m", "services.cli.main", "dub", own, track, "-o", tmp_path / "out.mp4", "--json"]
    with suspended(system, "worker-prepare"):
        started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, env=environ)
        job = json.loads(run("job", wait_for_job(run, before, "queued"), "--json").stdout)
        S3Store(store_settings(system.env())).delete_prefix(f"assets/{job['video']}/")
    output, _ = started.communicate(timeout=300)
    assert (started.returncode, json.loads(output)["error"]["code"]) == (1, "object_missing")


@pytest.mark.usefixtures("stopped_stitcher")
def test_ctrl_c_cancels_the_job_and_exits_130(
    run: Run, environ: dict[str, str], clip: Path, track: Path, tmp_path: Path
) -> None:
    started = start(environ, "dub", clip, track, "-o", tmp_path / "out.mp4", "--json")
    job_id = said_id(started)
    wait_for_status(run, job_id, "running")
    started.send_signal(signal.SIGINT)
    output, said = started.communicate(timeout=300)
    assert started.returncode == 130
    assert json.loads(output) == {"status": json.loads(run("job", job_id, "--json").stdout)["status"], "id": job_id}
    assert json.loads(output)["status"] in {"canceling", "canceled"}
    assert job_id in said
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.usefixtures("stopped_stitcher")
def test_ctrl_c_leaves_a_job_alone_that_is_only_followed(
    run: Run, environ: dict[str, str], clip: Path, track: Path, tmp_path: Path
) -> None:
    dub = start(environ, "dub", clip, track, "-o", tmp_path / "out.mp4")
    job_id = said_id(dub)
    follower = start(environ, "job", job_id, "--follow")
    assert follower.stderr is not None
    assert follower.stderr.readline()  # it has begun
    follower.send_signal(signal.SIGINT)
    assert follower.wait(300) == 130
    assert json.loads(run("job", job_id, "--json").stdout)["status"] in {"queued", "running"}
    dub.send_signal(signal.SIGINT)
    assert dub.wait(300) == 130


def test_what_a_finished_job_made_is_fetched_by_its_id(run: Run, dubbed: dict[str, Any], tmp_path: Path) -> None:
    job_id, master = dubbed["job"]["id"], Path(dubbed["output"])
    done = run("job", job_id, "--follow", "--download", tmp_path / "again.mp4", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["status"], found["output"], found["job"]["id"]) == (dubbed["status"], str(tmp_path / "again.mp4"), job_id)
    assert (tmp_path / "again.mp4").read_bytes() == master.read_bytes()


def test_a_failed_job_that_is_followed_or_fetched_says_why_as_dub_did(run: Run, clip: Path, tmp_path: Path) -> None:
    refused = run("dub", clip, write_track(tmp_path / "long.wav", FRAMES + 10), "-o", tmp_path / "out.mp4")
    job_id = refused.stderr.split()[refused.stderr.split().index("is") - 1]
    followed = run("job", job_id, "--follow")
    assert (refused.returncode, followed.returncode) == (2, 2)
    assert "duration_mismatch" in followed.stdout
    fetched = run("job", job_id, "--download", tmp_path / "out.mp4", "--json")
    assert (fetched.returncode, json.loads(fetched.stdout)["error"]["code"]) == (2, "duration_mismatch")


def test_a_dub_and_its_follower_outlive_a_killed_api(
    *, run: Run, environ: dict[str, str], system: LocalStack, clip: Path, track: Path, tmp_path: Path
) -> None:
    with suspended(system, "worker-stitch"):
        dub = start(environ, "dub", clip, track, "-o", tmp_path / "out.mp4", "--json")
        job_id = said_id(dub)
        early = run("job", job_id, "--download", tmp_path / "early.mp4")
        assert (early.returncode, "--follow" in early.stderr) == (2, True)
        follower = start(environ, "job", job_id, "--follow", "--download", tmp_path / "again.mp4")
        wait_for_status(run, job_id, "running")
        for _ in range(2):  # the supervisor's pause doubles: the API is away for longer than a blip
            kill(system, "api")
    output, said = dub.communicate(timeout=300)
    assert dub.returncode == 0, said
    assert json.loads(output)["job"]["id"] == job_id
    _, heard = follower.communicate(timeout=300)
    assert follower.returncode == 0, heard
    assert (tmp_path / "again.mp4").read_bytes() == (tmp_path / "out.mp4").read_bytes()


def start(environ: dict[str, str], *arguments: object) -> subprocess.Popen[str]:
    """The command line, running."""
    return subprocess.Popen(
        [sys.executable, "-m", "services.cli.main", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
        env=environ,
        preexec_fn=interruptible,  # noqa: PLW1509 - nothing else runs in this process
    )


def interruptible() -> None:
    """A shell that runs the tests in its background lets its children ignore Ctrl-C; a terminal does not."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def said_id(dub: subprocess.Popen[str]) -> str:
    """The id that a dub says at once."""
    assert dub.stderr is not None
    for line in dub.stderr:
        if "is submitted" in line:
            return line.split()[0]
    pytest.fail("no id was said")


def wait_for_status(run: Run, job_id: str, status: str) -> None:
    until(lambda: json.loads(run("job", job_id, "--json").stdout)["status"] == status, f"the job does not become {status}")


def kill(system: LocalStack, name: str) -> None:
    """Ends a process for good, and waits until the supervisor has started another."""
    pid = system.status().of(name).pid
    os.kill(pid, signal.SIGKILL)
    until(lambda: system.status().of(name).pid not in (pid, None), f"{name} is not started again")


def wait_for_job(run: Run, before: set[str], status: str) -> str:
    def fresh() -> list[str]:
        items = json.loads(run("jobs", "--json").stdout)["items"]
        return [item["id"] for item in items if item["id"] not in before and item["status"] == status]

    return until(fresh, f"no job became {status}")[0]
