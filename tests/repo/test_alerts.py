"""Every alert is scraped for, asks for codes that exist, and has its section in the runbook."""

import re
from typing import Any

import pytest
import yaml
from alerts import ALERTS
from fastapi.routing import APIRoute
from places import ROOT

from dubbing import errors
from services.api.routes import health

PROMETHEUS: dict[str, Any] = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
RUNBOOK = (ROOT / "docs/how-to/runbook.md").read_text()


def test_every_replica_is_scraped_for_its_own_and_one_target_for_the_platform() -> None:
    scraped = {job["job_name"]: job for job in PROMETHEUS["scrape_configs"]}
    assert {job for alert in ALERTS for job in re.findall(r'job="([\w-]+)"', alert["expr"])} == set(scraped)
    assert scraped["dubline"]["dns_sd_configs"] == [{"names": ["api"], "type": "A", "port": 8080}]
    (platform,) = scraped["dubline-platform"]["static_configs"]
    assert len(platform["targets"]) == 1
    paths = {route.path for route in health.router.routes if isinstance(route, APIRoute)}
    assert {scraped["dubline"].get("metrics_path", "/metrics"), scraped["dubline-platform"]["metrics_path"]} <= paths


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
