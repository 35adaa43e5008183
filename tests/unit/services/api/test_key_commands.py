import os
import subprocess
import sys


def test_without_a_database_a_key_is_refused_in_one_sentence_with_advice() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services.api", "keys", "create", "NAME"],
        env={**os.environ, "DUBLINE_DATABASE_URL": "postgresql+psycopg://nobody:nothing@127.0.0.1:1/none"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: The database does not answer: connection failed")
    assert done.stderr.count("\n") == 2
    assert "dubline exec" in done.stderr
