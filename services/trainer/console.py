"""What the trainer's commands say to people: on the error stream, so that output stays the program's."""

import sys


def say(*lines: str) -> None:
    """Write lines at once."""
    for line in lines:
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
