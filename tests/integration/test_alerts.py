"""Every alert asks for metrics that the API shows."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from alerts import ALERTS
from fastapi.testclient import TestClient

from services.api.main import create_app
from services.stack import bootstrap

pytestmark = pytest.mark.stack
# Prometheus itself, and node_exporter.
OF_OTHERS = {"up", "node_filesystem_avail_bytes", "node_filesystem_size_bytes"}
WORDS = {"sum", "max", "rate", "increase", "absent", "on", "and", "or", "by"}


def metrics_in(expression: str) -> set[str]:
    bare = re.sub(r'\{[^}]*\}|\[[^\]]*\]|"[^"]*"|\((?:kind|code|model)\)', " ", expression)
    return set(re.findall(r"[a-z_]+", bare)) - WORDS


def names_in(exposed: str) -> set[str]:
    return set(re.findall(r"^([a-z_]+)(?:\{| )", exposed, re.MULTILINE))


@pytest.fixture(scope="module")
def exposed(running: Callable[..., dict[str, str]]) -> Iterator[dict[str, str]]:
    """What the API shows, by path."""
    env = running("postgres", "redis", "s3")
    bootstrap.migrate(env)
    bootstrap.admit_roles(env)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**env, "DUBLINE_ENGINE": "passthrough", "DUBLINE_LOG_LEVEL": "ERROR"}.items():
            patch.setenv(name, value)
        with TestClient(create_app()) as client:
            client.get("/healthz")
            yield {path: client.get(path).text for path in ("/metrics", "/metrics/platform")}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_asks_for_metrics_that_exist(alert: dict[str, Any], exposed: dict[str, str]) -> None:
    asked = metrics_in(alert["expr"])
    assert asked
    assert asked - OF_OTHERS <= set().union(*map(names_in, exposed.values()))


def test_what_the_platform_knows_pages_once_however_many_replicas_are_asked(exposed: dict[str, str]) -> None:
    platform = names_in(exposed["/metrics/platform"])
    asked = [(alert["expr"], name) for alert in ALERTS for name in metrics_in(alert["expr"]) & platform]
    assert asked
    for expression, name in asked:
        assert re.search(rf"max(?: by \(\w+\) )?\((?:increase\()?{name}\b", expression), (name, expression)


def test_every_part_of_an_alert_is_one_that_is_asked(exposed: dict[str, str]) -> None:
    parts = {part for alert in ALERTS for part in re.findall(r'part="(\w+)"', alert["expr"])}
    assert set(re.findall(r'dubline_up\{part="(\w+)"\} 1', exposed["/metrics/platform"])) == parts - {
        "triton"
    }  # not asked without its engine
