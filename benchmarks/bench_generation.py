"""``make bench-generation``: how fast students generate, and where the time goes.

For each preset: frames per second of one stream and of several at once, seconds to the first frame, peak memory, TFLOP/s as
a share of the measured matmul ceiling, and the time of each part of a block.

What is timed is the serving engine: latents and features arrive as numpy arrays, uint8 frames leave as numpy arrays. It is
driven in two ways: ``streams`` are endless and in step with each other, 12 frames a block; ``chunks`` are what production
sends, chunks of 8 blocks that begin one after the other. The first frame is timed from the crops of the first nine frames, so
their encoding counts.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from models import (
    CHUNK,
    PRE_ROLL,
    Lanes,
    Subject,
    build,
    machine,
    matmul_ceiling,
    peak_gib,
    quantised,
    reset_peak,
    seconds,
    settle,
    true_sizes,
    tuned,
)
from operations import block_flops
from report import save

from lipforcing.cache import StreamCache
from lipforcing.conditions import Conditions
from lipforcing.contract import BLOCK_FRAMES, FIRST_BLOCK_FRAMES, LATENT_CHANNELS, LATENTS_PER_BLOCK, STUDENTS
from lipforcing.mask import generate_mask
from lipforcing.serving.fp8 import psnr

_FEW = [1, 8]


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", choices=[*STUDENTS], action="append", help="default: tiny, and on a GPU all")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--blocks", type=int, default=0, help="blocks that are timed; default 6, on a GPU 12")
    parser.add_argument("--fp8", action="store_true", help="also with FP8 linear layers, over 1 and 8 streams")
    parser.add_argument("--compile", action="store_true", help="also with torch.compile, over 1 and 8 streams")
    parser.add_argument("--served", action="store_true", help="only the first frame on a client of the real inference server")
    parser.add_argument("--smoke", action="store_true", help="only two cold blocks of one stream: 1.3b on a CPU takes minutes")
    parser.add_argument("--out", type=Path, help="folder; default benchmarks/results")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    blocks = options.blocks or (12 if device.type == "cuda" else 6)
    for preset in options.preset or ([*STUDENTS] if device.type == "cuda" else ["tiny"]):
        if options.served:
            result = {"machine": machine(device), "preset": preset, "first_frame_on_client_seconds": served(preset)}
            print(f"{preset}: {result}")
            save(f"served_{preset}_{device.type}", result, options.out)
            continue
        subject = build(true_sizes(preset), device)
        if options.smoke:
            result = {"machine": machine(device), **smoke(subject)}
            print(f"{preset}: {result}")
            save(f"smoke_{preset}_{device.type}", result, options.out)
            continue
        measured(f"generation_{preset}_{device.type}", subject, options, blocks)
        del subject


def measured(name: str, subject: Subject, options: argparse.Namespace, blocks: int) -> None:
    """All variants of one student; each is saved after every row."""
    preset = subject.contract.preset
    record(name, f"{preset}, bf16", subject, blocks, streams=options.streams, out=options.out)
    plain = frames_of(subject)
    # FP8 comes last: its network is another one afterwards.
    for variant in [each for each in ("compile", "fp8") if getattr(options, each)]:
        subject = tuned(subject, compile=True) if variant == "compile" else quantised(subject)
        more = {"torch_compile": subject.tuning.compile, "psnr_against_bf16_db": round(psnr(plain, frames_of(subject)), 2)}
        place = {"streams": _FEW, "out": options.out, "fp8": variant == "fp8"}
        record(f"{name}_{variant}", f"{preset}, {variant}", subject, blocks, **place, **more)


def record(
    name: str,
    title: str,
    subject: Subject,
    blocks: int,
    *,
    streams: list[int],
    out: Path | None,
    fp8: bool = False,
    **more: Any,
) -> None:
    """Measure one student, print, and save what there is after every row."""
    result = {"machine": machine(subject.device), **header(subject, fp8=fp8), **more}
    ceiling = result["matmul_ceiling_tflops"]
    for drive, key in ((0, "streams"), (CHUNK, "chunks")):
        result[key] = {}
        for count in streams if key == "streams" else [count for count in streams if count in _FEW]:
            result[key][str(count)] = speed(subject, count, drive, ceiling, rounds=1 if drive else blocks)
            save(name, result, out)
    result["first_frame_seconds"] = first_frame(subject)
    result["parts_ms"] = {part: round(1000 * value, 2) for part, value in parts(subject, max(3, blocks // 2)).items()}
    save(name, result, out)
    show(title, result)


def header(subject: Subject, *, fp8: bool = False) -> dict[str, Any]:
    """What a result begins with: what was measured, and the ceiling that it is held against."""
    return {
        "preset": subject.contract.preset,
        "linear_layers": "fp8" if fp8 else "bf16",
        "tflop_per_block": round(block_flops(subject.config) * 1e-12, 3),
        "matmul_ceiling_tflops": round(matmul_ceiling(subject.device, fp8=fp8), 2),
    }


@torch.inference_mode()
def speed(subject: Subject, count: int, blocks: int, ceiling: float, *, rounds: int, encode: bool = False) -> dict[str, Any]:
    """Frames per second of ``count`` lanes, chunks of ``blocks`` blocks or endless ones, over whole rounds."""
    reset_peak(subject.device)
    try:
        run = Lanes(subject, count, blocks, encode=encode)
        for _ in range(run.warm):
            run.step()
        frames, chunks, operations = run.frames, run.chunks, run.operations
        began = time.perf_counter()
        for _ in range(rounds * run.round):
            run.step()
        taken = time.perf_counter() - began
    except torch.OutOfMemoryError:
        return {"does_not_fit": True}
    made, begun = run.frames - frames, run.chunks - chunks
    steps = rounds * run.round
    found = {
        "frames_per_second": round(made / taken, 2),
        "seconds_per_block": round(taken / steps, 4),
        "peak_gib": round(peak_gib(subject.device), 2),
        "replayed": round(run.replayed / run.steps, 3),
    }
    if blocks:
        # Without the pre-roll of a chunk that goes on where another ended.
        found["kept_frames_per_second"] = round((made - begun * PRE_ROLL) / taken, 2)
    if not encode:
        rate = (run.operations - operations) / taken * 1e-12
        found |= {"tflops": round(rate, 2), "share_of_ceiling": round(rate / ceiling, 3)}
    return found


def served(preset: str) -> float:
    """Seconds to the first frame on a client, over the network and with the committed or imported weights."""
    from models_served import first_frame_on_client  # noqa: PLC0415 - a GPU machine may have torch and nothing else of ours

    return first_frame_on_client(STUDENTS[preset])


@torch.inference_mode()
def smoke(subject: Subject) -> dict[str, Any]:
    """Two blocks from nothing, at the true size: how long each takes, and the most memory that the process had."""
    run, taken, busy, flops = Lanes(subject, 1), [], [], block_flops(subject.config)
    for _ in range(2):
        began, worked = time.perf_counter(), time.process_time()
        (frames,) = run.step()
        taken.append(time.perf_counter() - began)
        busy.append(time.process_time() - worked)
    return {
        "preset": subject.contract.preset,
        "frames": list(frames.shape),
        "distinct_values": len(np.unique(frames)),
        "block_seconds": [round(each, 1) for each in taken],
        # Of all cores together: what a block costs on a machine that others use too.
        "block_cpu_seconds": [round(each, 1) for each in busy],
        "tflop_per_cpu_second": round(flops / busy[1] * 1e-12, 3),
        "peak_gib": round(peak_gib(subject.device), 2),
    }


@torch.inference_mode()
def first_frame(subject: Subject) -> float:
    """From the crops of nine frames in host memory to the first block's frames in host memory; median of three."""
    crop = subject.contract.crop
    crops = np.random.default_rng(0).integers(0, 255, (FIRST_BLOCK_FRAMES, crop, crop, 3), np.uint8)
    run, taken = Lanes(subject, 1, CHUNK), []
    for _ in range(4):
        run.restart()
        settle(subject.device)
        began = time.perf_counter()
        run.step(subject.faces.encode(crops))
        taken.append(run.answered - began)
    return round(sorted(taken[1:])[1], 4)


@torch.inference_mode()
def parts(subject: Subject, repeats: int) -> dict[str, float]:
    """Seconds of each part of one steady block of one stream, run eagerly (no graphs)."""
    student, config, device = subject.student, subject.config, subject.device
    network, side, crop = student.network, config.latent, subject.contract.crop
    shape = (1, LATENT_CHANNELS, LATENTS_PER_BLOCK, side, side)
    latents = torch.randn(shape, device=device).to(network.dtype)
    speech = torch.randn(1, LATENTS_PER_BLOCK, 4, config.audio_input, device=device).to(network.dtype)
    conditions = Conditions(latents[:, :, 0], generate_mask(side, device, network.dtype), latents, latents, speech)
    prepared = network.embed_conditions(conditions)
    cache = StreamCache(config, 1, device, network.dtype)
    crops = np.zeros((FIRST_BLOCK_FRAMES + BLOCK_FRAMES, crop, crop, 3), np.uint8)
    z = latents.to(next(subject.decoder.parameters()).dtype)
    state = subject.decoder.decoder_state()
    subject.decoder.decode_step(z, state)

    def forward(step: int, *, store: bool = False) -> object:
        return network(latents, student.times[step], prepared, student.text, cache.step([0], [2], store=store))

    def timed(run: Any) -> float:
        return seconds(run, device, repeats)

    return {
        "encode": timed(lambda: subject.faces.encode(crops)) - timed(lambda: subject.faces.encode(crops[:FIRST_BLOCK_FRAMES])),
        "conditions": timed(lambda: network.embed_conditions(conditions)),
        **{f"step_{step + 1}": timed(lambda step=step: forward(step)) for step in range(len(config.t_list) - 1)},
        "context": timed(lambda: forward(len(config.t_list) - 1, store=True)),
        "decode": timed(lambda: subject.decoder.decode_step(z, state)),
    }


@torch.inference_mode()
def frames_of(subject: Subject) -> np.ndarray:
    """The frames of a few blocks, always from the same input."""
    run = Lanes(subject, 1)
    return np.concatenate([run.step()[0] for _ in range(3)])


def show(title: str, result: dict[str, Any]) -> None:
    """Print the table."""
    print(f"\n{title}: {result['tflop_per_block']} TFLOP a block, ceiling {result['matmul_ceiling_tflops']} TFLOP/s")
    print(f"{'':>8} {'lanes':>6} {'frames/s':>10} {'s/block':>9} {'TFLOP/s':>9} {'ceiling':>8} {'GiB':>7}")
    for drive in ("streams", "chunks"):
        for count, row in result[drive].items():
            if "does_not_fit" in row:
                print(f"{drive:>8} {count:>6} does not fit")
                continue
            share = f"{100 * row['share_of_ceiling']:.0f} %"
            cells = f"{row['frames_per_second']:>10} {row['seconds_per_block']:>9} {row['tflops']:>9} {share:>8}"
            print(f"{drive:>8} {count:>6} {cells} {row['peak_gib']:>7}")
    print(f"first frame after {result['first_frame_seconds']} s; parts of a block in ms: {result['parts_ms']}")
    if "psnr_against_bf16_db" in result:
        print(f"PSNR against bf16: {result['psnr_against_bf16_db']} dB")


if __name__ == "__main__":
    main()
