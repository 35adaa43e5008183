"""One part of a GPU session: ``python benchmarks/session.py PART --out FOLDER``; ``gpu_session.sh`` runs them all.

Each part is complete alone and ends within its limit; the most valuable come first. Rows go to ``session.json`` as soon as each
is measured. ``--rehearse`` runs the same code on a CPU, with small sizes and a recorder in place of CUDA.

Clocks: ``network and decoder`` counts from latents in host memory to frames in host memory; ``with both encoder streams`` also
encodes the crops of every chunk, as the published figures do. The first frame counts from the crops of nine frames.
"""

import argparse
import sys
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import bench_speedup
import torch
from bench_generation import first_frame, frames_of, parts, speed
from models import (
    CHUNK,
    Sizes,
    Subject,
    build,
    machine,
    matmul_ceiling,
    quantised,
    reset_peak,
    shrunken_sizes,
    true_sizes,
    tuned,
)
from operations import block_flops, decoder_flops, encoder_flops
from recorder import Recorder, rehearsal
from report import RESULTS, Session

from lipforcing.serving.fp8 import psnr

NETWORK, WHOLE = "network and decoder", "with both encoder streams"


@dataclass(frozen=True)
class Stage:
    """What a part measures with."""

    session: Session
    device: torch.device
    sizes: Callable[[str], Sizes]
    recorder: Recorder | None

    @property
    def rounds(self) -> int:
        """Chunks of every lane that are timed."""
        return 1 if self.recorder else 2

    @property
    def chunk(self) -> int:
        """Blocks of a chunk: production's, or one of every stage."""
        return 3 if self.recorder else CHUNK

    def lanes(self, count: int) -> int:
        """As many as are asked for, or enough to be at several stages."""
        return 2 if self.recorder else count

    def ceiling(self, *, fp8: bool = False) -> float:
        """TFLOP/s of one large matrix product."""
        return matmul_ceiling(self.device, fp8=fp8, side=64 if self.recorder else 0)


def one_stream(stage: Stage, part: str, preset: str, *, fp8: bool = False) -> None:
    """One lane by both clocks, the first frame, endless lanes, kinds of attention, parts of a block."""
    subject = build(stage.sizes(preset), stage.device)
    plain = frames_of(subject) if fp8 else None
    subject = quantised(subject) if fp8 else subject
    about = _about(stage, subject, fp8=fp8)
    rates(stage, part, subject, about, 1)
    stage.session.add(part, "first frame", **about, seconds=first_frame(subject))
    endless = speed(subject, 1, 0, about["ceiling_tflops"], rounds=stage.rounds * stage.chunk)
    stage.session.add(part, "1 endless lane", **about, lanes=1, clock=NETWORK, **endless)
    for attention in ("cudnn", "flash"):
        found = speed(tuned(subject, attention=attention), 1, stage.chunk, about["ceiling_tflops"], rounds=1)
        stage.session.add(part, f"1 lane, attention {attention}", **about, lanes=1, clock=NETWORK, **found)
    if plain is not None:
        stage.session.add(part, "against bf16", **about, psnr_db=round(psnr(plain, frames_of(subject)), 2))
    taken = {name: round(1000 * value, 2) for name, value in parts(subject, 2 * stage.rounds - 1).items()}
    stage.session.add(part, "parts of a block, eager", **about, milliseconds=taken)


def many(stage: Stage, part: str, preset: str, lanes: int) -> None:
    """Several lanes, chunks that began apart, by both clocks, and endless ones."""
    subject = build(stage.sizes(preset), stage.device)
    about, count = _about(stage, subject), stage.lanes(lanes)
    rates(stage, part, subject, about, lanes)
    endless = speed(subject, count, 0, about["ceiling_tflops"], rounds=4 * stage.rounds)
    stage.session.add(part, f"{lanes} endless lanes", **about, lanes=count, clock=NETWORK, **endless)


def rates(stage: Stage, part: str, subject: Subject, about: dict[str, Any], lanes: int) -> None:
    """Frames per second of production by both clocks."""
    count = 1 if lanes == 1 else stage.lanes(lanes)
    rounds = stage.rounds if lanes == 1 else 1
    for clock in (NETWORK, WHOLE):
        found = speed(subject, count, stage.chunk, about["ceiling_tflops"], rounds=rounds, encode=clock == WHOLE)
        stage.session.add(part, f"{lanes} lane{'s' if lanes > 1 else ''}, {clock}", **about, lanes=count, clock=clock, **found)


def speedup(stage: Stage, part: str) -> None:
    """Both sizes against their teachers, by both clocks, beside the ratios of operations."""
    for preset in ("1.3b", "14b"):
        reset_peak(stage.device)
        found = bench_speedup.measure(build(stage.sizes(preset), stage.device), 1, stage.ceiling())
        stage.session.add(part, preset, **found)


def compiled(stage: Stage, part: str) -> None:
    """Pointwise operations compiled, at both sizes."""
    for preset in ("1.3b", "14b"):
        reset_peak(stage.device)
        subject = build(stage.sizes(preset), stage.device)
        plain = frames_of(subject)
        subject = tuned(subject, compile=True)
        about = _about(stage, subject)
        found = speed(subject, 1, stage.chunk, about["ceiling_tflops"], rounds=stage.rounds)
        fidelity = round(psnr(plain, frames_of(subject)), 2)
        stage.session.add(part, preset, **about, lanes=1, clock=NETWORK, psnr_db=fidelity, **found)


def training(stage: Stage, part: str) -> None:
    """A few steps of the 1.3B student's distillation."""
    import bench_training  # noqa: PLC0415 - much to import, for one part

    recipe = bench_training.load("sf_1_3b")
    recipe = bench_training.shrunk(recipe) if stage.recorder else recipe
    found: dict[str, Any] = {}
    # A rehearsal trains on a real CPU: there is no graph or stream of ours in it.
    for phase in bench_training.measure(recipe, 1, 2, stage.device):
        found |= phase
        stage.session.add(part, recipe.name, **found)


# By value; the first three end within 400 s together.
PARTS: dict[str, tuple[int, Callable[[Stage, str], None]]] = {
    "1.3b": (110, lambda stage, part: one_stream(stage, part, "1.3b")),
    "14b": (140, lambda stage, part: one_stream(stage, part, "14b")),
    "14b-fp8": (145, lambda stage, part: one_stream(stage, part, "14b", fp8=True)),
    "speedup": (145, speedup),
    "1.3b-over-8": (120, lambda stage, part: many(stage, part, "1.3b", 8)),
    "compile": (145, compiled),
    "16-streams": (145, lambda stage, part: many(stage, part, "1.3b", 16)),
    "training": (145, training),
}


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=[*PARTS, "list"], help="list: names and limits in seconds, by value")
    parser.add_argument("--rehearse", action="store_true", help="small sizes on a CPU: whether it runs, not how fast")
    parser.add_argument("--out", type=Path, help="folder; default benchmarks/results, of a rehearsal a temporary one")
    options = parser.parse_args()
    if options.part == "list":
        print("\n".join(f"{name} {limit}" for name, (limit, _) in PARTS.items()))
        return
    rehearsed: AbstractContextManager[Recorder | None] = rehearsal() if options.rehearse else nullcontext()
    with rehearsed as recorder:
        out = options.out or (Path(mkdtemp()) if recorder else RESULTS)
        if not run(options.part, out, recorder):
            sys.exit(1)


def run(part: str, out: Path, recorder: Recorder | None) -> bool:
    """Run one part; a failure is a row of its own, and nobody else's."""
    device = torch.device("cpu" if recorder else "cuda")
    session = Session(out / "session.json", machine(device))
    stage = Stage(session, device, shrunken_sizes if recorder else true_sizes, recorder)
    try:
        PARTS[part][1](stage, part)
    except Exception as error:  # noqa: BLE001 - whatever it is belongs into the file
        traceback.print_exc()
        session.add(part, "failed", reason=f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")
        return False
    session.drop(part, "failed")
    if recorder:
        print(f"rehearsed: {recorder.captures} captures, {recorder.replays} replays, {recorder.streams} streams")
    return True


def _about(stage: Stage, subject: Subject, *, fp8: bool = False) -> dict[str, Any]:
    config, sizes = subject.config, subject.sizes
    tflop = {
        "block": block_flops(config),
        "encoder": encoder_flops(sizes.encoder, sizes.contract.crop),
        "decoder": decoder_flops(sizes.decoder, config.latent),
    }
    return {
        "model": sizes.contract.preset,
        "linear_layers": "fp8" if fp8 else "bf16",
        "ceiling_tflops": round(stage.ceiling(fp8=fp8), 5),
        "tflop": {name: round(value * 1e-12, 2) for name, value in tflop.items()},
    }


if __name__ == "__main__":
    main()
