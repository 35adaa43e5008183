"""Floating-point operations, counted from shapes: of the network by the formula, of codecs by running them without values.

A clock that leaves the encoder out and one that counts it measure different work: encoding both streams of a block takes 31.6
TFLOP, a whole 1.3B block 35.7. So every ratio stands here twice.
"""

from collections.abc import Callable
from functools import cache

import torch
from torch.utils.flop_counter import FlopCounterMode

from lipforcing.contract import BLOCK_FRAMES, LATENT_CHANNELS, LATENTS_PER_BLOCK, latents_of
from lipforcing.presets import StudentConfig, TeacherConfig
from lipforcing.vae.base import Codec

_META = torch.device("meta")


def forward_flops(config: StudentConfig, queries: int, keys: int) -> float:
    """Of one forward over ``queries`` tokens that see ``keys`` tokens (one sequence)."""
    dim, layers = config.dim, config.layers
    linear = 2 * queries * (6 * dim * dim + 2 * dim * config.ffn)
    attention = 4 * queries * keys * dim
    prompt = 4 * queries * config.text_len * dim
    return float(layers * (linear + attention + prompt))


def block_flops(config: StudentConfig, block: int = 2) -> float:
    """Of a block: every denoising step and the context pass, whose last layer is cut to its keys and values.

    Args:
        config: sizes.
        block: its number; blocks 0 and 1 see less than every later one.
    """
    count = config.frame_tokens
    seen = min(LATENTS_PER_BLOCK * (block + 1), config.window)
    whole = forward_flops(config, LATENTS_PER_BLOCK * count, seen * count)
    passes = len(config.t_list) - 1 + (config.layers - 1) / config.layers
    return passes * whole


def teacher_flops(teacher: TeacherConfig, config: StudentConfig, blocks: int) -> float:
    """Of a whole clip: every step with and without its conditions."""
    tokens = latents_of(blocks) * config.frame_tokens
    return 2 * teacher.steps * forward_flops(config, tokens, tokens)


@cache
def encoder_flops(make: Callable[[], Codec], crop: int) -> float:
    """Of encoding both streams of a later block."""
    codec, state = _on_meta(make)
    frames = torch.empty(2, 3, 1 + BLOCK_FRAMES, crop, crop, device=_META)
    codec.encode_step(frames[:, :, :1], state)
    return _counted(lambda: codec.encode_step(frames[:, :, 1:], state))


@cache
def decoder_flops(make: Callable[[], Codec], latent: int) -> float:
    """Of decoding a later block."""
    codec, state = _on_meta(make)
    z = torch.empty(1, LATENT_CHANNELS, LATENTS_PER_BLOCK, latent, latent, device=_META)
    codec.decode_step(z, state)
    return _counted(lambda: codec.decode_step(z, state))


def ratio(teacher: TeacherConfig, config: StudentConfig, blocks: int, coding: float) -> float:
    """Operations of the teacher over the student's, with ``coding`` more for each block on both sides."""
    return (teacher_flops(teacher, config, blocks) + blocks * coding) / (blocks * (block_flops(config) + coding))


def _on_meta(make: Callable[[], Codec]) -> tuple[Codec, object]:
    with _META:
        codec = make()
    codec = codec.to(_META)
    return codec, codec.encoder_state()


@torch.no_grad()
def _counted(run: Callable[[], object]) -> float:
    with FlopCounterMode(display=False) as counter:
        run()
    return float(counter.get_total_flops())
