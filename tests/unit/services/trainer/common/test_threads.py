import os
import subprocess
import sys

import pytest

from services.trainer.common.threads import one_thread_each

ASK = [sys.executable, "-c", "import os; print(os.environ.get('OMP_NUM_THREADS'))"]


@pytest.mark.parametrize("before", [None, "2"])
def test_processes_that_begin_inside_have_one_thread_and_afterwards_all_is_as_before(
    before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if before is None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    else:
        monkeypatch.setenv("OMP_NUM_THREADS", before)
    with one_thread_each():
        assert subprocess.run(ASK, capture_output=True, text=True, check=True).stdout == "1\n"
    assert os.environ.get("OMP_NUM_THREADS") == before
