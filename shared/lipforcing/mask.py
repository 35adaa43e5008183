"""The mouth mask as tensors. The region itself is a fact of ``lipforcing.contract``."""

import torch
from torch import Tensor

from lipforcing.contract import mouth_mask


def generate_mask(size: int, device: torch.device | None = None, dtype: torch.dtype = torch.float32) -> Tensor:
    """The mask channel of the network, [size, size]: 1 where latents are generated, 0 where they are kept."""
    return torch.from_numpy(mouth_mask(size)).to(device=device, dtype=dtype)


def grey_mouth(x_CVHW: Tensor) -> Tensor:
    """Frames [..., H, W] in [-1, 1] with the mouth region at 0 (mid grey), in every frame, frame 0 too."""
    keep_HW = 1.0 - generate_mask(x_CVHW.shape[-1], x_CVHW.device, x_CVHW.dtype)
    return x_CVHW * keep_HW
