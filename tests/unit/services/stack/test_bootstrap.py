"""What is made before the services start, and what is said when it cannot be made."""

import socket

import pytest

from services.stack.bootstrap import migrate
from services.stack.errors import StackError


def test_a_database_that_cannot_be_migrated_is_told_with_the_reason_and_any_password_will_do() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # held, and not listened on
        url = f"postgresql+psycopg://dubline:50%25@127.0.0.1:{nobody.getsockname()[1]}/dubline"
        with pytest.raises(StackError, match=r"the database migration failed: .*Connection refused"):
            migrate({"DUBLINE_DATABASE_URL": url})
