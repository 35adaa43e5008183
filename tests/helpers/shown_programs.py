"""Programs that the documents show whole, to be saved as files."""

import re
import subprocess
from pathlib import Path

from places import ROOT


def shown_program(page: str, language: str) -> str:
    """The one block of ``language`` in a page of ``docs``."""
    text = (ROOT / "docs" / page).read_text()
    (source,) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return str(source)


def node_modules() -> Path:
    """Packages of TypeScript: the compiler, and what the client needs."""
    return node_packages(ROOT / "deploy/client")


def node_packages(folder: Path) -> Path:
    """The packages that a folder's package-lock.json names."""
    command = [ROOT / "deploy/client/tools.sh", folder]
    return Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()) / "node_modules"
