"""No container engine runs here, so what the images are told is compared with what the code reads."""

import re
from typing import Any

import pytest
import yaml
from places import ROOT
from variables import OF_THE_COMMAND_LINE, SETTINGS

from dubbing.settings import QueueSettings
from services.stack import table

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
OURS = {name: service for name, service in SERVICES.items() if name in table.SERVICES}


def test_compose_runs_every_process_of_the_local_stack() -> None:
    assert set(table.PROCESS_NAMES) <= set(SERVICES)


def test_every_variable_of_compose_is_a_setting_that_the_code_reads() -> None:
    given = {name for service in SERVICES.values() for name in service.get("environment", {}) if name.startswith("DUBLINE_")}
    assert given
    assert given <= SETTINGS.keys()


def test_every_variable_that_compose_takes_from_outside_is_in_the_example() -> None:
    taken = set(re.findall(r"(?<!\$)\$\{([A-Z0-9_]+)", (ROOT / "docker-compose.yml").read_text()))
    assert taken
    assert taken <= set(re.findall(r"^#?([A-Z0-9_]+)=", EXAMPLE, re.MULTILINE))


def test_the_example_names_every_setting_and_nothing_else() -> None:
    named = set(re.findall(r"^#?(DUBLINE_[A-Z0-9_]+)=", EXAMPLE, re.MULTILINE))
    assert named == SETTINGS.keys() | OF_THE_COMMAND_LINE


def test_the_example_shows_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    shown = dict(re.findall(r"^#(DUBLINE_[A-Z0-9_]+)=(.+)$", EXAMPLE, re.MULTILINE))
    for name, kind in SETTINGS.items():
        if name not in shown:
            continue
        field = name.removeprefix(kind.model_config["env_prefix"]).lower()
        default = getattr(kind(), field)
        monkeypatch.setenv(name, shown[name])
        assert getattr(kind(), field) == default, name
        monkeypatch.delenv(name)


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_the_same_program_as_in_the_local_stack(name: str) -> None:
    service = table.SERVICES[name]
    inside = OURS[name]["command"]
    local = [service.module, *service.arguments.split()]
    places = {"-c", "--host", "--port", "-s"}  # what differs by design: sizes, addresses, paths

    def comparable(command: list[str]) -> list[str]:
        return [part for at, part in enumerate(command) if command[at - 1] not in places]

    assert comparable(inside) == comparable(local)


def test_every_queue_of_the_settings_has_a_worker() -> None:
    consumed = {command[command.index("-Q") + 1] for command in (s["command"] for s in OURS.values()) if "-Q" in command}
    assert consumed == set(QueueSettings().limits)


@pytest.mark.parametrize("name", [name for name in SERVICES if "build" in SERVICES[name]])
def test_every_image_of_ours_has_a_stage_with_its_extra(name: str) -> None:
    target = SERVICES[name]["build"]["target"]
    assert f" AS {target}\n" in DOCKERFILE
    assert f'".[{target}]"' in DOCKERFILE


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_the_loopback_address_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


def test_every_part_of_the_object_store_has_the_certificates_and_they_name_it() -> None:
    parts = {name: service for name, service in SERVICES.items() if "seaweedfs" in service["image"]}
    assert set(parts) == {"master", "volume", "filer", "s3"}
    assert parts.keys() == set(SERVICES["certificates"]["command"]) & set(SERVICES)
    for part in parts.values():
        assert "certificates:/usr/local/etc/seaweedfs:ro" in part["volumes"]
        assert part["depends_on"]["certificates"] == {"condition": "service_completed_successfully"}


def test_containers_speak_to_each_other_past_any_proxy() -> None:
    spared = set(COMPOSE["x-settings"]["no_proxy"].split(","))
    named = {re.split(r"[@/]", value.rsplit(":", 1)[0])[-1] for value in COMPOSE["x-settings"].values() if ":" in value}
    assert named & set(SERVICES) <= spared
    for name, service in SERVICES.items():
        environment = service.get("environment", {})
        if "DUBLINE_S3_ENDPOINT" in environment or "seaweedfs" in service["image"] or name == "triton":
            assert environment["no_proxy"] == environment["NO_PROXY"] == ",".join(COMPOSE["x-settings"]["no_proxy"].split(","))


def test_passwords_of_redis_are_no_arguments() -> None:
    words = [*SERVICES["redis"]["command"], *SERVICES["redis"]["healthcheck"]["test"]]
    assert not [word for word in words if "--requirepass" in word or "valkey-cli -a" in word]


def test_addresses_inside_compose_name_services_of_it() -> None:
    environment = COMPOSE["x-settings"] | SERVICES["migrate"]["environment"]
    databases = ("DUBLINE_DATABASE_URL", "DUBLINE_DATABASE_API_URL", "DUBLINE_DATABASE_WORKER_URL")
    for name in (*databases, "DUBLINE_REDIS_URL", "DUBLINE_S3_ENDPOINT", "DUBLINE_TRITON_URL"):
        host = re.split(r"[@/]", environment[name].rsplit(":", 1)[0])[-1]
        assert host in SERVICES


@pytest.mark.parametrize("name", OURS)
def test_a_service_has_the_address_of_the_database_that_its_role_needs_and_no_other(name: str) -> None:
    given = [setting for setting in SERVICES[name]["environment"] if setting.startswith("DUBLINE_DATABASE_")]
    assert given == [table.SERVICES[name].database]
