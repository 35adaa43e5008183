"""Noise off the critical path: drawn on threads, for the blocks that come next while the model still works on these.

The numbers are those of ``noise.block_noise``, to the bit. One draw of a block of 512x512 takes a core some 7 ms, and eight
sequences need sixteen of them for every batch; NumPy works outside of the interpreter's lock.
"""

from concurrent.futures import Future, ThreadPoolExecutor

from torch import Tensor

from lipforcing.contract import LATENT_CHANNELS, LATENTS_PER_BLOCK
from lipforcing.noise import block_noise
from lipforcing.presets import StudentConfig

_THREADS = 4
# The draws of one block, in order, each float32 [16, 3, h, w].
Draws = list[Future[Tensor]]


class NoisePrefetcher:
    """Draws the noise of blocks before it is asked for.

    Args:
        config: sizes and schedule.
    """

    def __init__(self, config: StudentConfig) -> None:
        self._shape = (LATENT_CHANNELS, LATENTS_PER_BLOCK, config.latent, config.latent)
        self._draws = len(config.t_list) - 1
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="noise")

    def draw(self, seed: int, chunk: int, block: int) -> Draws:
        """Begin with every draw of a block (``noise.block_noise``)."""
        return [self._threads.submit(block_noise, seed, chunk, block, draw, self._shape) for draw in range(self._draws)]
