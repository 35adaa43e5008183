"""The tables of docs/performance.md from the JSON of a GPU session: ``python benchmarks/gpu_table.py FOLDER``."""

import json
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Print one row for each result that the folder holds."""
    folder = Path(sys.argv[1])
    generation = [json.loads(path.read_text()) for path in sorted(folder.glob("generation_*_cuda*.json"))]
    print(
        "| model | GPU | frames/s, 1 stream | best over streams | first frame | peak memory | of the ceiling | PSNR to bf16 |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for found in generation:
        print(_row(found))
    print("\n| model | teacher, 81 frames | student, 81 frames | speed-up |\n|---|---|---|---|")
    for path in sorted(folder.glob("speedup_*_cuda.json")):
        found = json.loads(path.read_text())
        times = f"{found['teacher_seconds']} s | {found['student_seconds']} s"
        print(f"| {found['preset']} | {times} | {found['speedup']}x |")


def _row(found: dict[str, Any]) -> str:
    rows = {int(count): row for count, row in found["streams"].items() if "does_not_fit" not in row}
    if not rows:
        return f"| {found['preset']} {found['linear_layers']} | {found['machine']['gpu']} | does not fit | | | | | |"
    count, best = max(rows.items(), key=lambda item: float(item[1]["frames_per_second"]))
    one = rows[min(rows)]
    cells = (
        f"{found['preset']}, {found['linear_layers']}{', compiled' if found.get('torch_compile') else ''}",
        found["machine"]["gpu"],
        one["frames_per_second"],
        f"{best['frames_per_second']} over {count}",
        f"{found['first_frame_seconds']} s",
        f"{one['peak_gib']} GiB",
        f"{100 * one['share_of_ceiling']:.0f} %",
        f"{found['psnr_against_bf16_db']} dB" if "psnr_against_bf16_db" in found else "",
    )
    return "| " + " | ".join(map(str, cells)) + " |"


if __name__ == "__main__":
    main()
