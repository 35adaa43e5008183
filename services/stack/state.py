"""What the stack remembers between runs: ports, credentials and which servers are not its own."""

import secrets
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from services.stack import ports
from services.stack.errors import StackError
from services.stack.files import write_private


class StackState(BaseModel):
    """The content of ``state.json`` (mode 0600)."""

    ports: dict[str, int] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict)
    folders: dict[str, str] = Field(default_factory=dict)
    external: dict[str, str] = Field(default_factory=dict)
    api_key: str | None = None

    @classmethod
    def load(cls, path: Path) -> "StackState":
        """Reads ``path``, or starts empty when there is none.

        Raises:
            StackError: the file is there and damaged.
        """
        if not path.exists():
            return cls()
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except ValidationError as error:
            raise StackError(
                f"{path} is damaged: {error.errors()[0]['msg']}",
                suggestions=(
                    "Stop the stack and remove that file; new ports and credentials are then made.",
                    "What the stack holds is kept.",
                ),
            ) from error

    def save(self, path: Path) -> None:
        """Writes the state, readable by its owner only."""
        write_private(path, self.model_dump_json(indent=2) + "\n")

    def port(self, name: str, *, keep: bool) -> int:
        """The remembered port called ``name``; a new one when there is none, or when another program took it.

        Args:
            name: what listens there.
            keep: the process runs now, so that its port is rightly taken.
        """
        known = self.ports.get(name)
        if known is not None and (keep or ports.is_free(known)):
            return known
        self.ports[name] = ports.choose(self.ports.values())
        return self.ports[name]

    def secret(self, name: str) -> str:
        """The remembered random secret called ``name``, made at first use (letters and digits, safe in URLs)."""
        return self.secrets.setdefault(name, secrets.token_hex(20))
