"""Every alert asks for metrics that exist, and has its section in the runbook."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from places import ROOT

from dubbing import errors
from services.api.main import create_app
from services.api.routes import health
from services.stack import bootstrap

ALERTS: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"] for rule in group["rules"]
]
PROMETHEUS: dict[str, Any] = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
RUNBOOK = (ROOT / "docs/how-to/runbook.md").read_text()
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
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**env, "DUBLINE_ENGINE": "passthrough", "DUBLINE_LOG_LEVEL": "ERROR"}.items():
            patch.setenv(name, value)
        with TestClient(create_app()) as client:
            client.get("/healthz")
            yield {path: client.get(path).text for path in ("/metrics", "/metrics/platform")}


@pytest.mark.stack
@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_asks_for_metrics_that_exist(alert: dict[str, Any], exposed: dict[str, str]) -> None:
    asked = metrics_in(alert["expr"])
    assert asked
    assert asked - OF_OTHERS <= set().union(*map(names_in, exposed.values()))


def test_every_replica_is_scraped_for_its_own_and_one_target_for_the_platform() -> None:
    scraped = {job["job_name"]: job for job in PROMETHEUS["scrape_configs"]}
    assert {job for alert in ALERTS for job in re.findall(r'job="([\w-]+)"', alert["expr"])} == set(scraped)
    assert scraped["dubline"]["dns_sd_configs"] == [{"names": ["api"], "type": "A", "port": 8080}]
    (platform,) = scraped["dubline-platform"]["static_configs"]
    assert len(platform["targets"]) == 1
    paths = {route.path for route in health.router.routes if isinstance(route, APIRoute)}
    assert {scraped["dubline"].get("metrics_path", "/metrics"), scraped["dubline-platform"]["metrics_path"]} <= paths


@pytest.mark.stack
def test_what_the_platform_knows_pages_once_however_many_replicas_are_asked(exposed: dict[str, str]) -> None:
    platform = names_in(exposed["/metrics/platform"])
    asked = [(alert["expr"], name) for alert in ALERTS for name in metrics_in(alert["expr"]) & platform]
    assert asked
    for expression, name in asked:
        assert re.search(rf"max(?: by \(\w+\) )?\((?:increase\()?{name}\b", expression), (name, expression)


@pytest.mark.stack
def test_every_part_of_an_alert_is_one_that_is_asked(exposed: dict[str, str]) -> None:
    parts = {part for alert in ALERTS for part in re.findall(r'part="(\w+)"', alert["expr"])}
    assert set(re.findall(r'dubline_up\{part="(\w+)"\} 1', exposed["/metrics/platform"])) == parts - {
        "triton"
    }  # not asked without its engine


def test_every_code_of_an_alert_is_in_the_tree() -> None:
    asked = {
        code for alert in ALERTS for codes in re.findall(r'code=~?"([a-z_|]+)"', alert["expr"]) for code in codes.split("|")
    }
    assert asked
    assert asked <= {kind.code for kind in errors.kinds()}


def test_the_runbook_has_a_section_for_every_alert_and_no_other() -> None:
    assert re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE) == [alert["alert"] for alert in ALERTS]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_says_how_bad_it_is_and_leads_to_its_section(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("page", "ticket")
    assert alert["annotations"]["runbook"] == f"docs/how-to/runbook.md#{alert['alert'].lower()}"
    assert alert["annotations"]["summary"]
