"""``make bench-speedup``: the student against the bidirectional teacher of the same size, over a clip of 81 frames.

The teacher denoises the whole clip at once in 50 steps, each with and without its conditions (classifier-free guidance); every
step costs the same, so a few are timed and multiplied. Decoding is the same for both and counted for both. Two clocks: with the
encoding of both streams, which is the same for both too, and without; each beside the ratio of the operations that it counts.
Paper: 17.6x for 1.3B, 39.8x for 14B, on an H100.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from models import CHUNK, Lanes, Subject, build, machine, matmul_ceiling, reset_peak, seconds, true_sizes
from operations import decoder_flops, encoder_flops, forward_flops, ratio
from report import save

from lipforcing.cache import Bidirectional
from lipforcing.conditions import Conditions
from lipforcing.contract import LATENT_CHANNELS, LATENTS_PER_BLOCK, STUDENTS, blocks_for, frames_of, latents_of
from lipforcing.mask import generate_mask
from lipforcing.presets import TEACHERS

FRAMES = 81
BLOCKS = blocks_for(FRAMES)


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", choices=[*STUDENTS], action="append", help="default: tiny, and on a GPU all")
    parser.add_argument("--steps", type=int, default=2, help="teacher's steps that are timed")
    parser.add_argument("--out", type=Path, help="folder; default benchmarks/results")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for preset in options.preset or ([*STUDENTS] if device.type == "cuda" else ["tiny"]):
        result = {
            "machine": machine(device),
            **measure(build(true_sizes(preset), device), options.steps, matmul_ceiling(device)),
        }
        print(
            f"{preset}: teacher {result['teacher_seconds']} s, student {result['student_seconds']} s for {FRAMES} frames: "
            f"{result['speedup']}x"
        )
        save(f"speedup_{preset}_{device.type}", result, options.out)


@torch.inference_mode()
def measure(subject: Subject, steps: int, ceiling: float) -> dict[str, Any]:
    """Both times and their ratio; ``ceiling`` in TFLOP/s."""
    device, config, teacher = subject.device, subject.config, TEACHERS[subject.contract.preset]
    reset_peak(device)
    crop = subject.contract.crop
    crops = np.random.default_rng(0).integers(0, 255, (frames_of(BLOCKS), crop, crop, 3), np.uint8)
    encode = seconds(lambda: subject.faces.encode(crops), device, 2)
    student = _student(subject)
    forward = _teacher_forward(subject, steps)
    decode = seconds(lambda: _decode(subject), device, 2)
    whole = 2 * teacher.steps * forward + decode
    tokens = latents_of(BLOCKS) * config.frame_tokens
    tflops = forward_flops(config, tokens, tokens) / forward * 1e-12
    decoding = decoder_flops(subject.sizes.decoder, config.latent)
    encoding = encoder_flops(subject.sizes.encoder, crop)
    return {
        "preset": subject.contract.preset,
        "frames": FRAMES,
        "teacher_steps": teacher.steps,
        "teacher_steps_timed": steps,
        "teacher_seconds": round(encode + whole, 3),
        "teacher_forward_seconds": round(forward, 4),
        "teacher_tflops": round(tflops, 2),
        "teacher_share_of_ceiling": round(tflops / ceiling, 3),
        "student_seconds": round(encode + student, 3),
        "encode_seconds": round(encode, 3),
        "decode_seconds": round(decode, 3),
        "student_frames_per_second": round(FRAMES / (encode + student), 2),
        "teacher_frames_per_second": round(FRAMES / (encode + whole), 3),
        "speedup": round((encode + whole) / (encode + student), 1),
        "operations_ratio": round(ratio(teacher, config, BLOCKS, decoding + encoding), 1),
        "speedup_without_encoder": round(whole / student, 1),
        "operations_ratio_without_encoder": round(ratio(teacher, config, BLOCKS, decoding), 1),
    }


def _student(subject: Subject) -> float:
    """Seconds from latents to frames for the whole clip, after a first chunk that warms up."""
    run = Lanes(subject, 1, CHUNK)
    for _ in range(run.warm):
        run.step()
    run.restart()
    began = time.perf_counter()
    for _ in range(BLOCKS):
        run.step()
    return time.perf_counter() - began


def _teacher_forward(subject: Subject, steps: int) -> float:
    config, device, network = subject.config, subject.device, subject.student.network
    frames, side = latents_of(BLOCKS), config.latent
    latents = torch.randn(1, LATENT_CHANNELS, frames, side, side, device=device).to(network.dtype)
    speech = torch.randn(1, frames, 4, config.audio_input, device=device).to(network.dtype)
    conditions = Conditions(latents[:, :, 0], generate_mask(side, device, network.dtype), latents, latents, speech)
    prepared = network.embed_conditions(conditions)
    attention = Bidirectional(config, frames, device, network.dtype)
    student = subject.student
    return seconds(lambda: network(latents, student.times[0], prepared, student.text, attention), device, 2 * steps)


def _decode(subject: Subject) -> object:
    side = subject.config.latent
    dtype = next(subject.decoder.parameters()).dtype
    state = subject.decoder.decoder_state()
    z = torch.zeros(1, LATENT_CHANNELS, LATENTS_PER_BLOCK, side, side, device=subject.device, dtype=dtype)
    return [subject.decoder.decode_step(z, state) for _ in range(BLOCKS)]


if __name__ == "__main__":
    main()
