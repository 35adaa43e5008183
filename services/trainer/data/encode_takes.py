"""Generated takes as clips to learn from: latents and speech features."""

from collections.abc import Callable

import torch

from lipforcing.audio.tiny import TinySpeechEncoder
from lipforcing.vae.tiny import TinyCodec
from services.trainer.data.takes import Takes
from services.trainer.models.latents import ClipLatents, encode_pair


@torch.no_grad()
def both_ways(
    takes: Takes, codec: TinyCodec, encoder: TinySpeechEncoder, advance: Callable[[int, int], None] = lambda _done, _of: None
) -> ClipLatents:
    """Every take as A that shall say B and as B that shall say A, once with what is heard and once with the true mouth shapes.

    The true shapes teach what each one looks like; the heard ones, how far the encoder is to be trusted. ``advance`` is told
    how many takes are encoded.
    """
    device = next(encoder.parameters()).device
    times, sounds = torch.from_numpy(takes.times).to(device), torch.from_numpy(takes.sound).flatten(0, 1).to(device)
    features = torch.stack([encoder(sound.float() / 32_768.0, times) for sound in sounds]).cpu()
    true = encoder.spread(torch.from_numpy(takes.visemes).flatten(0, 1).to(device)).cpu()
    pairs = []
    for done, pair in enumerate(takes.crops, 1):
        pairs += [encode_pair(codec, clip) for clip in pair]
        advance(done, len(takes))
    reference, masked = (torch.stack([pair[which].half() for pair in pairs]).cpu() for which in (0, 1))
    # Footage of A that shall say B is to become the footage of B: nothing has to be encoded twice.
    target, features, true = (x.unflatten(0, (-1, 2)).flip(1).flatten(0, 1) for x in (reference, features, true))
    return ClipLatents(reference, masked, target, torch.cat([features, true]).half())
