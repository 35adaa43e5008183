import random
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from dubbing.encryption import SecretBox
from dubbing.settings import SecretsSettings, SessionSettings
from services.api.bootstrap import check_keys_differ
from services.stack import ports
from services.stack.context import StackContext
from services.stack.errors import StackError
from services.stack.home import Home, home_at
from services.stack.local import LocalStack
from services.stack.plan import ProcessPhase, ProcessStatus, StackStatus
from services.stack.state import StackState


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((ports.LOOPBACK, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_somebody_listens_on_is_not_free(taken: int) -> None:
    assert not ports.is_free(taken)


def test_a_chosen_port_is_free_outside_the_ephemeral_range_and_not_one_of_the_taken() -> None:
    first = ports.choose((), random.Random(1))
    second = ports.choose({first}, random.Random(1))
    assert ports.FIRST <= first < ports.LAST
    assert ports.is_free(second)
    assert first != second


def test_a_remembered_port_is_used_again() -> None:
    state = StackState()
    assert state.port("redis", keep=False) == state.port("redis", keep=False)


def test_a_remembered_port_that_another_program_took_is_replaced(taken: int) -> None:
    state = StackState(ports={"redis": taken})
    assert state.port("redis", keep=False) != taken
    assert state.ports["redis"] != taken


def test_the_port_of_a_running_process_is_kept_although_it_is_not_free(taken: int, tmp_path: Path) -> None:
    running = StackStatus(processes=(ProcessStatus(name="redis", phase=ProcessPhase.RUNNING, pid=1),))
    context = StackContext(Home(tmp_path, tmp_path), StackState(ports={"redis": taken}), {}, running)
    assert context.port("redis") == taken


def test_a_port_is_decided_once_even_when_our_own_process_takes_it_meanwhile(tmp_path: Path) -> None:
    context = StackContext(Home(tmp_path, tmp_path), StackState())
    port = context.port("redis")
    with socket.socket() as listener:
        listener.bind((ports.LOOPBACK, port))
        listener.listen()
        assert context.port("redis") == port


def test_state_survives_a_round_trip_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    state = StackState(api_key="dub_k")
    password, port = state.secret("postgres"), state.port("postgres", keep=False)
    state.save(path)
    again = StackState.load(path)
    assert (again.secret("postgres"), again.ports["postgres"], again.api_key) == (password, port, "dub_k")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_secrets_differ_from_each_other_and_between_stacks() -> None:
    one, other = StackState(), StackState()
    assert len({one.secret("a"), one.secret("b"), other.secret("a")}) == 3


def test_a_damaged_state_file_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text('{"ports": 7}')
    with pytest.raises(StackError, match="damaged") as caught:
        StackState.load(path)
    assert caught.value.suggestions


def test_what_signs_access_tokens_is_drawn_once_and_is_not_what_encrypts(tmp_path: Path) -> None:
    home, state = home_at(tmp_path), StackState()
    keys = [state.secret("session"), state.secret("secrets")]
    home.create()
    state.save(home.state_file)
    env = LocalStack(home).env()
    assert [env["DUBLINE_SESSION_KEY"], env["DUBLINE_SECRETS_KEY"]] == keys
    check_keys_differ(SecretsSettings(key=SecretStr(keys[1])), SessionSettings(key=SecretStr(keys[0])))
    assert LocalStack(home, {"DUBLINE_SESSION_KEY": "o" * 32}).env()["DUBLINE_SESSION_KEY"] == "o" * 32


def test_the_key_for_secrets_of_customers_is_drawn_once_and_the_callers_own_is_preferred(tmp_path: Path) -> None:
    home, state = home_at(tmp_path), StackState()
    drawn = state.secret("secrets")
    home.create()
    state.save(home.state_file)
    assert LocalStack(home).env()["DUBLINE_SECRETS_KEY"] == drawn
    assert SecretBox(SecretsSettings(key=SecretStr(drawn))).encrypt("x")
    assert LocalStack(home, {"DUBLINE_SECRETS_KEY": "o" * 32}).env()["DUBLINE_SECRETS_KEY"] == "o" * 32
