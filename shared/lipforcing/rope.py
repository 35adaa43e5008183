"""Three-axis rotary positions in real arithmetic.

Choices:
- The reference multiplies complex128 tables; we compute the tables in float64 and rotate in float32 (float64 for a float64
  model), which agrees after rounding to bf16 and lets a compiler fuse the rotation into its neighbours.
- Tables belong to whoever attends, not to the network: they are no weights, and a network built on the meta device has
  nothing to rebuild.
- Adjacent elements (2j, 2j + 1) form a pair. The pairs of a head are split time | row | column; for a head of 128 that is
  22 | 21 | 21.

Legend: B batch, S tokens (row-major over frame, patch row, patch column), H heads, C head width, P = C/2 pairs.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from lipforcing.presets import StudentConfig


class Angles(NamedTuple):
    """Cosine and sine of each token's rotation, [S, 1, P] or [B, S, 1, P]; the 1 broadcasts over heads."""

    cos: Tensor
    sin: Tensor

    def tokens(self, start: int, stop: int) -> "Angles":
        """The angles of tokens ``start`` .. ``stop`` - 1."""
        return Angles(self.cos[..., start:stop, :, :], self.sin[..., start:stop, :, :])

    @staticmethod
    def stack(parts: "list[Angles]") -> "Angles":
        """Angles per sequence, [B, S, 1, P], from one [S, 1, P] each."""
        return Angles(torch.stack([part.cos for part in parts]), torch.stack([part.sin for part in parts]))


def axis_pairs(head_dim: int) -> tuple[int, int, int]:
    """Pairs of one head given to time, rows and columns: a third each, time takes the remainder."""
    spatial = head_dim // 6
    return head_dim // 2 - 2 * spatial, spatial, spatial


def rope_angles(config: StudentConfig, frames: int, device: torch.device, dtype: torch.dtype) -> Angles:
    """Angles of all tokens of latent frames at temporal positions 0 .. ``frames`` - 1.

    Args:
        config: sizes of the network.
        frames: temporal positions.
        device: where the table lives.
        dtype: of the activations to be rotated; the table has float32, or float64 for float64.

    Returns:
        [frames · tokens of a frame, 1, P], frame-major.
    """
    rows = torch.arange(config.grid, dtype=torch.float64)
    axes = (torch.arange(frames, dtype=torch.float64), rows, rows)
    parts = []
    for axis, (positions, pairs) in enumerate(zip(axes, axis_pairs(config.head_dim), strict=True)):
        frequencies = config.rope_base ** (-torch.arange(pairs, dtype=torch.float64) / pairs)
        shape = [1, 1, 1, pairs]
        shape[axis] = len(positions)
        angles = torch.outer(positions, frequencies).view(shape)
        parts.append(angles.expand(frames, config.grid, config.grid, pairs))
    angles_SP = torch.cat(parts, dim=-1).flatten(0, 2).unsqueeze(1).to(device)
    wide = torch.promote_types(dtype, torch.float32)
    return Angles(angles_SP.cos().to(wide), angles_SP.sin().to(wide))


def rotate(x_BSHC: Tensor, angles: Angles) -> Tensor:
    """Rotate every pair of every head of [B, S, H, C] by its token's angles; same dtype out as in."""
    even, odd = x_BSHC.to(angles.cos.dtype).unflatten(-1, (-1, 2)).unbind(-1)
    pairs = torch.stack((even * angles.cos - odd * angles.sin, even * angles.sin + odd * angles.cos), dim=-1)
    return pairs.flatten(-2).to(x_BSHC.dtype)
