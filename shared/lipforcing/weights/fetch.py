"""Downloads of the public files: pinned revisions, checksums, and resumption after a cut connection.

Files on the hub go through ``huggingface_hub`` (which honours ``HF_ENDPOINT`` and ``HF_TOKEN`` and keeps what arrived of a cut
download beside the target); the others through a plain request with ``Range``. A file that is already there with the right
digest is not fetched again; one with a wrong digest is never left under its name.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx

from lipforcing.weights.digests import sha256_of
from lipforcing.weights.errors import DigestMismatchError, FetchError
from lipforcing.weights.releases import PublicFile

_PARTIAL = ".partial"
_TRIES = 5
_TIMEOUT_S = 30.0


def fetch(files: tuple[PublicFile, ...], folder: Path, say: Callable[[str], None], endpoint: str | None = None) -> list[Path]:
    """Fetch files into a folder and check them.

    Args:
        files: of a release.
        folder: made if absent.
        say: told one line per file.
        endpoint: of the hub; None for the public one or what ``HF_ENDPOINT`` names.

    Returns:
        Their paths, in the order given.

    Raises:
        FetchError: a file did not arrive, or there is no room for it. What arrived is kept: call again to go on.
        DigestMismatchError: other bytes arrived than the release names; they are removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [file for file in files if not _complete(folder / file.name, file)]
    _check_room(wanted, folder)
    for file in files:
        if file not in wanted:
            say(f"have  {file.name}")
            continue
        say(f"fetch {file.name} ({file.size / 1e9:.2f} GB, {file.licence}) from {file.origin}")
        if file.repository:
            _from_hub(file, folder, endpoint)
        else:
            _from_url(file, folder)
        _check(folder / file.name, file)
    return [folder / file.name for file in files]


def _complete(path: Path, file: PublicFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size and sha256_of(path) == file.sha256


def _check_room(wanted: list[PublicFile], folder: Path) -> None:
    need, free = sum(file.size for file in wanted), shutil.disk_usage(folder).free
    if need > free:
        raise FetchError(f"{folder} needs {need / 1e9:.1f} GB and has {free / 1e9:.1f} GB free")


def _check(path: Path, file: PublicFile) -> None:
    found = sha256_of(path)
    if found != file.sha256:
        path.unlink()
        raise DigestMismatchError(f"{file.name} from {file.origin} has sha256 {found}, not {file.sha256}; it was removed")


def _from_hub(file: PublicFile, folder: Path, endpoint: str | None) -> None:
    # Plain HTTP keeps to one protocol that resumes, that mirrors speak, and that is tested here. Read at the library's import.
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
    from huggingface_hub import hf_hub_download  # noqa: PLC0415 - after the line above
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415

    try:
        hf_hub_download(file.repository, file.name, revision=file.revision, local_dir=folder, endpoint=endpoint)
    except (HfHubHTTPError, OSError, ValueError, RuntimeError) as error:
        raise FetchError(f"{file.name} did not arrive from {file.origin}: {error}; call again to go on") from error


def _from_url(file: PublicFile, folder: Path) -> None:
    path = folder / file.name
    partial = path.with_name(path.name + _PARTIAL)
    path.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, _TRIES + 1):
        try:
            _append(file.url, partial, file.size)
            break
        except httpx.HTTPError as error:
            if attempt == _TRIES or isinstance(error, httpx.HTTPStatusError):
                raise FetchError(f"{file.name} did not arrive from {file.url}: {error}; call again to go on") from error
    partial.replace(path)


def _append(url: str, partial: Path, size: int) -> None:
    """Get what is missing of a file."""
    have = partial.stat().st_size if partial.exists() else 0
    if have >= size:
        return
    headers = {"Range": f"bytes={have}-"} if have else {}
    with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=_TIMEOUT_S) as response:
        response.raise_for_status()
        # A server that knows no ranges sends everything from the start.
        mode = "ab" if response.status_code == httpx.codes.PARTIAL_CONTENT else "wb"
        with partial.open(mode) as out:
            for piece in response.iter_bytes():
                out.write(piece)
