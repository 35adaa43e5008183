"""What the trainer's commands have in common: what they say to people, and how they end.

Lines for people go to the error stream, so that output stays the program's.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from dubbing.errors import BadInput, DublineError
from dubbing.logging import configure_logging
from dubbing.settings import LoggingSettings
from lipforcing.weights.errors import WeightsError

ROOT = Path(__file__).parents[3]


def say(*lines: str) -> None:
    """Write lines at once."""
    for line in lines:
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def in_checkout(path: Path) -> Path:
    """What a setting names, of the checkout when the command is called from elsewhere."""
    return path if path.is_absolute() or path.exists() else ROOT / path


def exit_code(command: Callable[[], None], interrupted: str = "Interrupted.") -> int:
    """Run a command, and say in words what is wrong.

    Args:
        command: does the work; its log is quiet unless another level is asked for, since it says itself how far it is.
        interrupted: what to say on Ctrl-C.

    Returns:
        0 when done, 2 when the input must change, 130 when interrupted, 1 for any other failure.
    """
    logs = LoggingSettings()
    configure_logging(logs.model_copy(update={"level": "WARNING"}) if logs.level == "INFO" else logs, "trainer")
    try:
        command()
    except (DublineError, WeightsError) as error:
        say(f"Error {error}", *(f"  - {advice}" for advice in getattr(error, "suggestions", ())))
        return 2 if isinstance(error, (BadInput, WeightsError)) else 1
    except KeyboardInterrupt:
        say(interrupted)
        return 130
    return 0
