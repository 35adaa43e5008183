"""The alerts that we ship."""

from typing import Any

import yaml
from places import ROOT

ALERTS: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"] for rule in group["rules"]
]
