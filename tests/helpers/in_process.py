"""The command line in this process: one of its own would first import for seconds what is here already."""

import io
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

from services.cli.main import main


def dubline(environ: Mapping[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    """What the command returns and prints, with these variables and no others."""
    words = [str(argument) for argument in arguments]
    code: object = 0
    with (
        mock.patch.dict("os.environ", environ, clear=True),
        mock.patch.object(sys, "argv", ["dubline", *words]),
        redirect_stdout(io.StringIO()) as output,
        redirect_stderr(io.StringIO()) as said,
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
    assert isinstance(code, int)
    return subprocess.CompletedProcess(words, code, output.getvalue(), said.getvalue())
