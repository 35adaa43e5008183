"""Against a local server that speaks as much of the hub's protocol as a download needs, and that can be told to fail."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from places import ROOT

from lipforcing.weights.errors import DigestMismatchError, FetchError
from lipforcing.weights.fetch import fetch
from lipforcing.weights.releases import RELEASES, PublicFile

REVISION = "0123456789abcdef0123456789abcdef01234567"
CONTENT = bytes(range(256)) * 1200  # 300 kB
PATH = f"/owner/repo/resolve/{REVISION}/sub/file.pth"


class Hub(ThreadingHTTPServer):
    """Serves CONTENT; ``cut_after`` bytes the next ``cuts`` answers break off, ``broken`` makes every request fail."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.cut_after, self.cuts, self.broken, self.body = 0, 0, False, CONTENT
        self.ranges: list[str] = []
        self.also: tuple[str, ...] = ()  # ends of further paths under which CONTENT is served
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(head=True)

    def do_GET(self) -> None:
        self.server.ranges.append(self.headers.get("Range", ""))
        self.server.paths.append(self.path)
        self._answer(head=False)

    def _answer(self, *, head: bool) -> None:
        hub = self.server
        if hub.broken or (self.path not in {PATH, "/elsewhere/file.pth"} and not self.path.endswith(hub.also)):
            self.send_error(404)
            return
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(hub.body) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(hub.body) - 1}/{len(hub.body)}")
        self.send_header("ETag", f'"{hashlib.sha256(CONTENT).hexdigest()}"')
        # The commit that was asked for: the library refuses another one's file.
        self.send_header("X-Repo-Commit", self.path.split("/")[4] if "/resolve/" in self.path else REVISION)
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        if head:
            return
        body = hub.body[start:]
        if hub.cuts:
            hub.cuts -= 1
            body = body[: hub.cut_after]
        self.wfile.write(body)
        self.close_connection = True


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def hub_file() -> PublicFile:
    digest = hashlib.sha256(CONTENT).hexdigest()
    return PublicFile("sub/file.pth", len(CONTENT), digest, "Apache-2.0", "owner/repo", REVISION)


def url_file(hub: Hub) -> PublicFile:
    return replace(hub_file(), name="file.pth", licence="MIT", repository="", revision="", url=f"{hub.url}/elsewhere/file.pth")


def both(hub: Hub) -> dict[str, PublicFile]:
    return {"hub": hub_file(), "elsewhere": url_file(hub)}


def get(hub: Hub, file: PublicFile, folder: Path) -> list[str]:
    lines: list[str] = []
    (path,) = fetch((file,), folder, lines.append, endpoint=hub.url)
    assert path == folder / file.name
    assert path.read_bytes() == CONTENT
    return lines


@pytest.mark.parametrize("kind", ["hub", "elsewhere"])
def test_a_file_arrives_whole_and_is_not_fetched_twice(kind: str, hub: Hub, tmp_path: Path) -> None:
    file = both(hub)[kind]
    (line,) = get(hub, file, tmp_path)
    assert file.licence in line
    assert file.origin in line
    requests = len(hub.ranges)
    assert get(hub, file, tmp_path) == [f"have  {file.name}"]
    assert len(hub.ranges) == requests


@pytest.mark.parametrize(("kind", "kept"), [("hub", 98_304), ("elsewhere", 100_000)])
def test_a_cut_connection_is_taken_up_where_it_broke(
    kind: str, kept: int, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The library writes whole pieces, of 10 MiB unless told; the small file needs smaller ones.
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 32_768)
    hub.cut_after, hub.cuts = 100_000, 1
    get(hub, both(hub)[kind], tmp_path)
    assert hub.ranges == ["", f"bytes={kept}-"]


def test_a_later_call_goes_on_where_an_earlier_one_gave_up(hub: Hub, tmp_path: Path) -> None:
    hub.cut_after, hub.cuts = 50_000, 5
    with pytest.raises(FetchError, match="call again to go on"):
        get(hub, url_file(hub), tmp_path)
    assert not (tmp_path / "file.pth").exists()
    hub.ranges.clear()
    get(hub, url_file(hub), tmp_path)
    assert hub.ranges == ["bytes=250000-"]


@pytest.mark.parametrize("kind", ["hub", "elsewhere"])
def test_other_bytes_than_published_are_removed(kind: str, hub: Hub, tmp_path: Path) -> None:
    hub.body = CONTENT[:-1] + b"\x00"
    file = both(hub)[kind]
    with pytest.raises(DigestMismatchError, match="it was removed"):
        get(hub, file, tmp_path)
    assert not (tmp_path / file.name).exists()
    hub.body = CONTENT
    get(hub, file, tmp_path)


@pytest.mark.parametrize("kind", ["hub", "elsewhere"])
def test_a_server_that_fails_is_reported(kind: str, hub: Hub, tmp_path: Path) -> None:
    hub.broken = True
    with pytest.raises(FetchError, match="did not arrive"):
        get(hub, both(hub)[kind], tmp_path)


def test_a_damaged_file_on_disk_is_fetched_again(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "file.pth").write_bytes(CONTENT[:-1] + b"\x00")
    get(hub, url_file(hub), tmp_path)


def test_too_little_room_is_said_before_anything_is_fetched(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="GB free"):
        get(hub, replace(hub_file(), size=10**18), tmp_path)
    assert hub.ranges == []


def test_every_published_file_is_pinned_by_commit_digest_size_and_licence() -> None:
    for release in RELEASES.values():
        for file in release.files:
            assert len(file.sha256) == 64
            assert file.size > 0
            assert file.licence.split()[0] in {"Apache-2.0", "MIT"}
            assert bool(file.repository) != bool(file.url)
            commit = len(file.revision) == 40 or any(len(part) == 40 for part in file.url.split("/"))
            assert commit or file.name == "syncnet_v2.model"  # its publisher has no commits; the digest decides
        assert len({file.name for file in release.files}) == len(release.files)
    student = RELEASES["14b"].files[0]
    assert student.size == 28_588_528_943
    assert student.sha256 == "ea9f111f374a208a80b6604e2c698639f03ad666bb7cda72c727a93cd43e4307"


COMMAND = """
import sys
sys.modules["torch"] = None  # a download must not need it
from lipforcing.weights import releases
from lipforcing.weights.__main__ import main
file = releases.PublicFile("sub/file.pth", {size}, "{digest}", "Apache-2.0", "owner/repo", "{revision}")
releases.RELEASES["small"] = releases.Release((file,), ("dubline weights import {{folder}}/sub/file.pth --as 14b",))
sys.exit(main(["fetch", *sys.argv[1:]]))
"""


def test_the_command_names_every_file_with_source_licence_and_digest_and_the_next_step(hub: Hub, tmp_path: Path) -> None:
    code = COMMAND.format(size=len(CONTENT), digest=hub_file().sha256, revision=REVISION)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "shared"), "HF_ENDPOINT": hub.url}

    def run(name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, name], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    done = run("small")
    assert done.returncode == 0, done.stderr
    assert f"Apache-2.0  sub/file.pth (owner/repo@01234567), SHA-256 {hub_file().sha256}\n" in done.stderr
    answer = json.loads(done.stdout)
    assert answer["next"] == ["dubline weights import weights/small/sub/file.pth --as 14b"]
    assert (tmp_path / "weights" / "small" / "sub" / "file.pth").read_bytes() == CONTENT
    unpublished = run("1.3b")
    assert unpublished.returncode == 2
    assert "not published" in unpublished.stderr


# The released files by their own names, places, revisions and licences, with a small content.
RELEASE = """
import sys
from dataclasses import replace
sys.modules["torch"] = None
import huggingface_hub.constants
from lipforcing.weights import releases
from lipforcing.weights.__main__ import main
huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE = 32_768
release = releases.RELEASES["14b"]
files = [replace(f, size={size}, sha256="{digest}", url=f.url and "{url}/elsewhere/file.pth") for f in release.files]
releases.RELEASES["14b"] = replace(release, files=tuple(files))
sys.exit(main(["fetch", "14b"]))
"""


def test_the_whole_14b_release_arrives_over_a_connection_that_breaks(hub: Hub, tmp_path: Path) -> None:
    digest = hashlib.sha256(CONTENT).hexdigest()
    code = RELEASE.format(size=len(CONTENT), digest=digest, url=hub.url)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "shared"), "HF_ENDPOINT": hub.url}
    released = RELEASES["14b"].files
    hub.also = tuple(f"{file.repository}/resolve/{file.revision}/{file.name}" for file in released if file.repository)
    hub.cut_after, hub.cuts = 100_000, 3

    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    done = run()
    assert done.returncode == 0, done.stderr
    assert any(value.startswith("bytes=") for value in hub.ranges)
    folder = tmp_path / "weights" / "14b"
    for file in released:
        assert hashlib.sha256((folder / file.name).read_bytes()).hexdigest() == digest
        assert f"{file.licence:<11} {file.name}" in done.stderr
    assert json.loads(done.stdout)["next"][-1] == "dubline weights import weights/14b/lipforcing_14b.pth --as 14b"
    asked = len(hub.paths)
    again = run()
    assert again.returncode == 0
    assert again.stderr.count("have  ") == len(released)
    assert len(hub.paths) == asked
