"""What the inference server says about each model: served and on what, failed with its reason, or without weights here."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel

from dubbing.inference.http import http_client
from dubbing.settings import TritonSettings

_TIMEOUT = 5.0


class ModelState(StrEnum):
    """Where one model stands."""

    READY = "ready"
    LOADING = "loading"
    FAILED = "failed"
    NOT_LOADED = "not_loaded"
    NO_WEIGHTS = "no_weights"
    UNKNOWN = "unknown"


class ModelReport(BaseModel):
    """One model.

    Attributes:
        name: as the server calls it.
        state: a model without weights is none that failed.
        device: what its instances compute on, where that can be known.
        reason: why it is not served, or what is odd about how it is.
    """

    name: str
    state: ModelState
    device: str | None = None
    reason: str | None = None

    @property
    def is_fault(self) -> bool:
        """True when it has weights and is not served."""
        return self.state not in (ModelState.READY, ModelState.NO_WEIGHTS)


def with_weights(repository: Path) -> list[str]:
    """Names of the models that have a configuration and at least one version with weights."""
    weights = repository.glob("*/*/model.safetensors")
    found = {path.parent.parent for path in weights if path.parent.name.isdigit()}
    return sorted(path.name for path in found if (path / "config.pbtxt").exists())


def read(triton: TritonSettings, repository: Path, metrics_url: str | None = None) -> tuple[ModelReport, ...]:
    """The models of ``repository`` and of the server, by name; ``metrics_url`` knows their devices."""
    loadable = set(with_weights(repository))
    names = {path.parent.name for path in repository.glob("*/config.pbtxt")}
    try:
        with http_client(triton, _TIMEOUT) as client:
            answer = client.post("/v2/repository/index")
        answer.raise_for_status()
        index = _newest(answer.json())
    except (httpx.HTTPError, ValueError) as error:
        lost = f"the inference server does not answer: {error}"
        return tuple(_without_weights(name) if name not in loadable else _lost(name, lost) for name in sorted(names))
    found = (_status(name, index.get(name, {}), has_weights=name in loadable) for name in sorted(names | set(index)))
    placed = _devices(metrics_url) if metrics_url else {}
    return tuple(status.model_copy(update=placed[status.name]) if _is_placed(status, placed) else status for status in found)


def _is_placed(status: ModelReport, placed: dict[str, dict[str, str | None]]) -> bool:
    return status.state is ModelState.READY and status.name in placed


def _devices(metrics_url: str) -> dict[str, dict[str, str | None]]:
    """``device`` and ``reason`` of each model that is served, from the metric ``lipforcing_device`` of its instances."""
    try:
        answer = httpx.get(metrics_url, timeout=_TIMEOUT)
        answer.raise_for_status()
        families = list(text_string_to_metric_families(answer.text))
    except (httpx.HTTPError, ValueError):
        return {}
    labels = [sample.labels for family in families if family.name == "lipforcing_device" for sample in family.samples]
    found: dict[str, dict[str, str | None]] = {}
    for name in {each["model"] for each in labels}:
        own = [each for each in labels if each["model"] == name]
        device, odd = (", ".join(sorted({each[key] for each in own if each[key]})) for key in ("device", "odd"))
        found[name] = {"device": device, "reason": odd or None}
    return found


def _newest(entries: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The entry of each model's highest version."""
    ordered = sorted(entries, key=lambda entry: int(entry.get("version") or 0))
    return {str(entry["name"]): entry for entry in ordered}


def _status(name: str, entry: dict[str, Any], *, has_weights: bool) -> ModelReport:
    state, reason = entry.get("state"), entry.get("reason") or None
    if state == "READY":
        return ModelReport(name=name, state=ModelState.READY)
    if state in ("LOADING", "UNLOADING"):
        return ModelReport(name=name, state=ModelState.LOADING, reason=reason)
    if not has_weights:
        return _without_weights(name)
    if state == "UNAVAILABLE" and reason != "unloaded":
        return ModelReport(name=name, state=ModelState.FAILED, reason=reason)
    return ModelReport(
        name=name,
        state=ModelState.NOT_LOADED,
        reason="its weights came after the start (`dubline up` starts it), or it was unloaded",
    )


def _without_weights(name: str) -> ModelReport:
    return ModelReport(name=name, state=ModelState.NO_WEIGHTS, reason="no weights here: `dubline weights` imports them")


def _lost(name: str, reason: str) -> ModelReport:
    return ModelReport(name=name, state=ModelState.UNKNOWN, reason=reason)
