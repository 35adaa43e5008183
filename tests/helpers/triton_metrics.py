"""What the inference server's metrics port says of the demonstration student."""

import time

import httpx

from lipforcing.contract import STUDENTS

TINY = STUDENTS["tiny"]


def slots_in_use(server: dict[str, str], expected: int, version: int = 1) -> float:
    """The figure once it is what is expected, or what it is after a minute: it follows a block's answer by a pass."""
    deadline = time.monotonic() + 60
    while (found := metrics(server, version)["slots_in_use"]) != expected and time.monotonic() < deadline:
        pass
    return found


def metrics(server: dict[str, str], version: int = 1) -> dict[str, float]:
    """Our own metrics of one version of the student, by short name, summed over its instances."""
    time.sleep(0.3)
    found: dict[str, float] = {}
    for line in httpx.get(server["DUBLINE_TRITON_METRICS_URL"]).text.splitlines():
        name, _, labels = line.removeprefix("lipforcing_").partition("{")
        if f'model="{TINY.student}"' in labels and f'version="{version}"' in labels and "instance=" in labels:
            found[name] = found.get(name, 0.0) + float(labels.rpartition(" ")[2])
    return found
