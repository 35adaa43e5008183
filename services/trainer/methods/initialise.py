"""A network that starts afresh: its first answer is the footage unchanged.

So training begins with moving the mouth instead of with learning what a face looks like.
"""

from typing import cast

import torch
from torch import nn

from lipforcing.contract import LATENT_CHANNELS
from lipforcing.network import LipNetwork, initialise
from lipforcing.presets import StudentConfig

_PATCH = 4 * LATENT_CHANNELS  # values of a 2 x 2 patch
LEAST_WIDTH = 2 * _PATCH  # channels that the wiring takes: two streams of patches go through them


def fresh_network(config: StudentConfig, seed: int) -> LipNetwork:
    """A network of these sizes, float32, that predicts flow = noise - reference footage."""
    network = LipNetwork(config)
    initialise(network, seed)
    start_from_reference(network)
    return network


def start_from_reference(network: LipNetwork) -> None:
    """Wire embedding and head so that the untrained network predicts flow = noise - reference footage.

    The first 64 hidden units carry the patch's noise, the next 64 the patch of the reference stream, the rest keep their
    initialisation; the head subtracts one from the other.
    """
    first = network.config.in_dim - LATENT_CHANNELS  # of the reference stream, which comes last among the input channels
    # [64, Z, 1, 2, 2]: a convolution over a 2 x 2 patch that hands all of its 64 values on.
    one = torch.eye(_PATCH).reshape(_PATCH, LATENT_CHANNELS, 1, 2, 2)
    # The head's outputs are ordered (row, column, channel), the embedding's inputs (channel, row, column).
    order = torch.arange(_PATCH).reshape(LATENT_CHANNELS, 4).t().flatten()  # [64]
    with torch.no_grad():
        weight = network.patch_embedding.weight  # [D, in_dim, 1, 2, 2]
        weight[: 2 * _PATCH] = 0.0  # [D, in_dim, 1, 2, 2]; the units that are wired see nothing else
        weight[:_PATCH, :LATENT_CHANNELS] = one  # x_t comes first among the inputs
        weight[_PATCH : 2 * _PATCH, first:] = one  # the footage comes last
        for project in network.audio_cond_projs:  # what is heard leaves these units alone
            cast("nn.Linear", project).weight[: 2 * _PATCH] = 0.0
        # [64, D]: flow = noise - reference, which at t = 1 is the true flow of the footage itself.
        network.head.head.weight.zero_()
        network.head.head.weight[:, :_PATCH] = torch.eye(_PATCH)[order]
        network.head.head.weight[:, _PATCH : 2 * _PATCH] = -torch.eye(_PATCH)[order]
