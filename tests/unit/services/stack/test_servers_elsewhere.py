from pathlib import Path

import pytest

from services.stack import table
from services.stack.context import StackContext
from services.stack.home import home_at
from services.stack.state import StackState


@pytest.fixture
def context(tmp_path: Path) -> StackContext:
    return StackContext(home_at(tmp_path), StackState())


def test_a_server_that_a_setting_names_runs_elsewhere_with_the_keys_that_belong_to_it(context: StackContext) -> None:
    named = {"DUBLINE_S3_ENDPOINT": "https://s3.internal", "DUBLINE_S3_BUCKET": "films"}
    assert table.external_settings({**named, "DUBLINE_LOG_LEVEL": "INFO"}, context) == named


def test_a_shell_of_dubline_exec_names_the_stacks_own_servers_which_run_nowhere_else(context: StackContext) -> None:
    own = {name: value for server in table.SERVERS.values() for name, value in server.settings(context).items()}
    assert set(own) >= {server.external for server in table.SERVERS.values()}
    assert table.external_settings(own, context) == {}
    other = {"DUBLINE_REDIS_URL": "redis://redis.internal:6379/0"}
    assert table.external_settings({**own, **other}, context) == other


def test_no_port_and_no_secret_is_drawn_for_servers_that_nothing_names(context: StackContext) -> None:
    assert table.external_settings({"DUBLINE_LOG_LEVEL": "INFO"}, context) == {}
    assert (context.state.ports, context.state.secrets) == ({}, {})


@pytest.mark.parametrize("name", table.SERVICES)
def test_a_process_knows_its_own_address_of_the_database_and_no_other(context: StackContext, name: str) -> None:
    env = table.SERVERS["postgres"].settings(context)
    assert len(set(env.values())) == 3
    own = table.SERVICES[name].database
    seen = table.service_spec(name, context, env).env
    assert {setting: seen[setting] for setting in seen if setting in env} == {own: env[own]}
    only = {"DUBLINE_DATABASE_URL": "postgresql://db.internal/dubline"}
    assert table.service_spec(name, context, only).env.items() >= only.items()
