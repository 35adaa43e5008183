"""The service that starts runs and publishes their students, without the model library."""

import subprocess
import sys

from places import ROOT


def test_a_service_that_only_starts_processes_does_not_hold_torch_in_its_memory() -> None:
    code = "import sys, services.trainer.service.bootstrap; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
