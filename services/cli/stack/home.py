"""Where the stack keeps its data, logs, process ids, chosen ports and generated credentials."""

import os
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Home:
    """One folder that holds everything; removing it removes the stack.

    Attributes:
        root: the folder itself.
        carriers: unpacked server binaries; shared by all homes of a checkout, because they are large and never change.
    """

    root: Path
    carriers: Path

    @property
    def data(self) -> Path:
        """Databases, object store, schedules."""
        return self.root / "data"

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Plan, status, locks and process ids of the running stack."""
        return self.root / "run"

    @property
    def state_file(self) -> Path:
        """Ports and credentials, mode 0600."""
        return self.root / "state.json"

    def log_of(self, name: str) -> Path:
        """The log of process ``name``."""
        return self.logs / f"{name}.log"

    def create(self) -> None:
        """Makes the folders.

        Root keeps them passable for others (files stay private): PostgreSQL must run as another user and pass through.
        """
        mode = 0o711 if os.geteuid() == 0 else 0o700
        for folder in (self.root, self.data, self.logs, self.run):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(mode)


def default_home() -> Home:
    """``DUBLINE_HOME``, or ``.dubline`` in the checkout."""
    root = Path(os.environ.get("DUBLINE_HOME") or CHECKOUT / ".dubline").resolve()
    return home_at(root)


def home_at(root: Path) -> Home:
    """The home in ``root``, with the checkout's carriers (``DUBLINE_CARRIERS`` moves them)."""
    carriers = Path(os.environ.get("DUBLINE_CARRIERS") or CHECKOUT / ".dubline" / "carriers").resolve()
    return Home(root.resolve(), carriers)
