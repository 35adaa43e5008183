"""Commands as somebody types them who follows the documents: in a shell of `dubline exec`, in a folder like the checkout."""

import contextlib
import io
import os
import shlex
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import stamina.instrumentation
from film import Film, ffmpeg

from services.cli.main import main
from services.stack.home import CHECKOUT
from services.stack.local import LocalStack

SECONDS = 1
Printed = tuple[str, int]
"""What stands on the screen, and the exit status."""


class Shell:
    """A shell for one stack.

    Args:
        system: the stack.
        film: its first second is there as `film.mp4` and `italian.wav`.
        folder: an empty one, to be the working directory.
    """

    def __init__(self, system: LocalStack, film: Film, folder: Path) -> None:
        self._folder = folder
        for entry in CHECKOUT.iterdir():
            (folder / entry.name).symlink_to(entry)
        ffmpeg("-i", film.video, "-t", SECONDS, folder / "film.mp4")
        ffmpeg("-i", film.track, "-t", SECONDS, folder / "italian.wav")
        asked = {**os.environ, **system._environ, "DUBLINE_HOME": str(system.home.root), "COLUMNS": "160"}
        answer = subprocess.run(
            [CHECKOUT / ".venv/bin/dubline", "exec", "env", "-0"], env=asked, capture_output=True, check=True
        )
        self._env = dict(line.split("=", 1) for line in answer.stdout.decode().split("\0") if line)

    def run(self, command: str, given: str = "") -> Printed:
        """Runs ``command`` with ``given`` on its standard input."""
        done = subprocess.run(
            ["bash", "-c", command],
            env=self._env, cwd=self._folder, text=True, check=False, timeout=300, input=given,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done.stdout, done.returncode

    def here(self, command: str) -> Printed:
        """The same, but `dubline` at its beginning runs in this process: to start it costs more than what it does.

        `.venv/bin/dubline`, and what needs more of the shell than a pipe, is run as it stands.
        """
        ours, pipe, others = command.partition(" | ")
        program, *arguments = shlex.split(ours, comments=True)
        if program != "dubline" or arguments[0] == "exec" or {";", "&&", "|"} & set(arguments) or "$" in ours:
            return self.run(command)
        screen = io.StringIO()
        passed = io.StringIO() if pipe else screen
        code = self._called(arguments, passed, screen)
        if not pipe:
            return screen.getvalue(), code
        printed, code = self.run(others, passed.getvalue())
        return screen.getvalue() + printed, code

    def _called(self, arguments: list[str], out: io.StringIO, err: io.StringIO) -> int:
        with contextlib.ExitStack() as around:
            around.enter_context(patch.dict(os.environ, self._env, clear=True))
            around.enter_context(patch.object(sys, "argv", ["dubline", *arguments]))
            around.enter_context(contextlib.chdir(self._folder))
            around.enter_context(contextlib.redirect_stdout(out))
            around.enter_context(contextlib.redirect_stderr(err))
            around.callback(stamina.instrumentation.set_on_retry_hooks, None)  # which the command line takes away
            try:
                main()
            except SystemExit as ended:
                return int(ended.code or 0)
            return 0
