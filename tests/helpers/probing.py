"""Small files, a server that has them, and a worker that reads what it is asked to."""

from collections.abc import Callable, Iterator
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import pytest
from customer_store import OPENED, resolve
from film import ffmpeg, write_tone
from web_server import HERE, NEAR, WebServer, sending

from dubbing.media.isolated import Reader
from dubbing.queue.runner import Handlers, Runner
from dubbing.settings import FetchSettings, MediaSettings, QueueSettings
from dubbing.storage.customer_bucket import CustomerBucket
from dubbing.storage.remote import RemoteFiles
from dubbing.storage.sources import SourceCache
from services.api.bootstrap import Services
from services.worker.customer_files import CustomerFiles
from services.worker.probe import ProbeHandler


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of film, a second of sound, and a letter that is called a film."""
    folder = tmp_path_factory.mktemp("files")
    ffmpeg("-f", "lavfi", "-i", "smptebars=s=320x240:r=25:d=1", "-c:v", "libx264", "-preset", "ultrafast", folder / "film.mp4")
    write_tone(folder / "track.wav", 1)
    (folder / "letter.mp4").write_bytes(b"Dear Sir or Madam")
    return folder


@pytest.fixture
def server(folder: Path) -> Iterator[WebServer]:
    server = WebServer()
    server.answers["/a/film.mp4"] = sending((folder / "film.mp4").read_bytes(), {"Content-Type": "video/mp4"})
    server.answers["/a/track.wav"] = sending((folder / "track.wav").read_bytes(), {"Content-Type": "audio/wav"})
    yield server
    server.close()


@pytest.fixture
def probe(services: Services, tmp_path: Path) -> Callable[[], None]:
    """A worker that probes until nothing is left to do now; of private addresses it may ask this machine's own."""
    remote = RemoteFiles(FetchSettings(ranges=NEAR), lambda host, _: [ip_address(HERE if host == "studio.example" else host)])
    open_bucket = partial(CustomerBucket, settings=OPENED, resolve=resolve, attempts=1)
    files = CustomerFiles(remote, FetchSettings(), services.database, services.secrets, open_bucket)
    sources = SourceCache(services.store, tmp_path / "sources", 1 << 30)
    handlers = Handlers()
    handlers.add("probe", ProbeHandler(services.store, sources, Reader(MediaSettings().reading_bytes), files))
    runner = Runner(services.database, lambda _: None, handlers, QueueSettings(backoff=0.0))

    def run() -> None:
        while runner.run_next("prepare"):
            pass

    return run
