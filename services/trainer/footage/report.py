"""What a data set holds: its manifest, the report on what was left out and why, and a sheet to look at."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from services.trainer.common.sheet import draw_sheet

from .conform import FPS
from .dataset import FORMAT, MANIFEST, ShardSource
from .place import Place
from .plan import CLIP_FRAMES

REPORT, SHEET = "report.json", "sheet.png"
_ROWS = 12


def summarise(place: Place, config: str, about: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    """Write manifest, report and sheet from the records of the sources; gives the report.

    Records that were made by another ``config`` are left out and counted. ``run`` holds what only this run knows.

    Returns:
        The report.
    """
    every = [json.loads(place.get_bytes(name)) for name in place.names("sources/")]
    records = [record for record in every if record["config"] == config]
    shards = [
        {**shard, "split": record["split"], "held_out": record["held_out"], "source_sha256": record["source_sha256"],
         "consent": record["consent"]} for record in records for shard in record["shards"]
    ]  # fmt: skip
    manifest = {"format": FORMAT, "config": config, "frames": CLIP_FRAMES, **about, "shards": shards}
    place.put_bytes(MANIFEST, _json(manifest))
    report = {**_counts(records), **about, "sources_prepared_otherwise": len(every) - len(records), **run}
    place.put_bytes(REPORT, _json(report))
    _draw(place)
    return report


def _counts(records: list[dict[str, Any]]) -> dict[str, Any]:
    samples: Counter[str] = Counter()
    drops: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for record in records:
        samples[record["split"]] += len(record["clips"])
        drops.update(record["drops"])
        held.update({kind: len(record["clips"]) for kind in record["held_out"]})
    total = sum(samples.values())
    return {
        "sources": len(records),
        "samples": {"all": total, **dict(sorted(samples.items()))},
        "seconds": float(total * CLIP_FRAMES / FPS),
        "footage_seconds": float(sum(record["frames"] for record in records) / FPS),
        "held_out_by": dict(sorted(held.items())),
        "drops": dict(sorted(drops.items())),
        "unusable": [{"source": r["source"], **r["error"]} for r in records if r["error"]],
        "identities": len({r["identity"] for r in records if r["clips"]}),
        "languages": sorted({r["language"] for r in records if r["clips"]}),
        "consents": sorted({r["consent"] for r in records}),
        "bytes": sum(shard["size"] for r in records for shard in r["shards"]),
    }


def _draw(place: Place) -> None:
    """One row for the first sample of each of up to a dozen shards, read back from where they lie."""
    source = ShardSource(place)
    first = (next(source.read(entry), None) for entry, _ in source.entries()[:_ROWS])
    rows = {sample.key: list(sample.target_VnnC) for sample in first if sample is not None}
    if rows:
        with TemporaryDirectory(prefix="dubline-sheet-") as folder:
            path = Path(folder) / SHEET
            draw_sheet(path, rows)
            place.put_file(SHEET, path)


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, sort_keys=True).encode() + b"\n"
