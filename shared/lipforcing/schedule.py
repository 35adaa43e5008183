"""Rectified-flow arithmetic and timestep grids (model paper section 3; Self-Forcing).

x_t = (1 - t) · x0 + t · ε, the network predicts the flow v = ε - x0, so x0 = x_t - t · v. Everything here is evaluated in
float64 and rounded once to the dtype of the latents, as the released sampler does.

Choice: the teacher's guidance window is derived from its own grid (steps 20 to 40 of 50, both inclusive). The published
bounds 0.556 and 0.882 are those two timesteps rounded to three decimals, which leaves both end steps just outside.
"""

import torch
from torch import Tensor

from lipforcing.presets import TeacherConfig

T_MAX = 0.999
TRAINING_STEPS = 1000.0


def _like(t: Tensor | float, x: Tensor) -> Tensor | float:
    """Timesteps [B] or [B, T] as float64 that broadcast against latents [B, Z, T, h, w]; a number stays a number."""
    if not isinstance(t, Tensor):
        # Not a tensor made here: that would copy to the device in the middle of a forward.
        return t
    t = t.to(device=x.device, dtype=torch.float64)
    if t.ndim == 2:
        return t[:, None, :, None, None]
    return t.view(-1, *(1,) * (x.ndim - 1)) if t.ndim == 1 else t


def add_noise(x0: Tensor, noise: Tensor, t: Tensor | float) -> Tensor:
    """x_t = (1 - t) · x0 + t · ε for a scalar t, t [B] or, per latent frame, t [B, T]."""
    t = _like(t, x0)
    return ((1.0 - t) * x0.double() + t * noise.double()).to(x0.dtype)


def flow_to_x0(x_t: Tensor, flow: Tensor, t: Tensor | float) -> Tensor:
    """x0 = x_t - t · v for a scalar t, t [B] or, per latent frame, t [B, T]."""
    return (x_t.double() - _like(t, x_t) * flow.double()).to(x_t.dtype)


def shifted(u: Tensor, shift: float) -> Tensor:
    """The timestep at fraction u of the schedule: s·u / (1 + (s - 1)·u)."""
    return shift * u / (1.0 + (shift - 1.0) * u)


def sampling_grid(steps: int, shift: float) -> Tensor:
    """Timesteps t_0 = 0.999 > ... > t_steps = 0 of a full sampling run, float64 [steps + 1]."""
    u = T_MAX * (1.0 - torch.arange(steps + 1, dtype=torch.float64) / steps)
    grid = shifted(u, shift)
    grid[0], grid[-1] = T_MAX, 0.0
    return grid


def guidance_window(teacher: TeacherConfig) -> tuple[float, float]:
    """Lowest and highest timestep, both inclusive, at which sync-window distillation guides the teacher."""
    grid = sampling_grid(teacher.steps, teacher.shift)
    first, last = teacher.guidance_steps
    return float(grid[last]), float(grid[first])
