"""Mel-frequency cepstra as SyncNet was trained on (python_speech_features' defaults, MIT), in torch alone.

25 ms every 10 ms, no taper, pre-emphasis 0.97, 26 triangular filters over 0 .. 8 kHz on a 512-point spectrum, logarithm,
orthonormal DCT-II, the first 13 coefficients, sinusoidal lifter 22, coefficient 0 replaced by the log energy of the frame.

Choice: float64 throughout. The weights were trained on 16-bit integers, so a waveform in [-1, 1] is scaled by 32768 first.

Legend: S samples (16 kHz mono), K columns, W samples of one column, F frequency bins, M filters, C coefficients.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import pad

from lipforcing.contract import SAMPLE_RATE

WINDOW = 400
HOP = 160
COEFFICIENTS = 13
_FFT, _FILTERS, _LIFTER, _EMPHASIS = 512, 26, 22, 0.97
_FULL_SCALE = 32_768.0


def mfcc(waveform_S: Tensor) -> Tensor:
    """Cepstra of a waveform.

    Args:
        waveform_S: [S] float32 or float64 in [-1, 1]; a half type is refused, its 8 to 11 bits are noise in quiet speech.

    Returns:
        [C, K] float32, K = 1 + ceil((S - 400) / 160); the last column is filled up with silence.

    Raises:
        ValueError: not one channel, or half precision.
    """
    if waveform_S.ndim != 1 or waveform_S.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"cepstra need one channel in float32 or float64, not {waveform_S.dtype} {tuple(waveform_S.shape)}")
    x_S = waveform_S.double() * _FULL_SCALE
    x_S = torch.cat([x_S[:1], x_S[1:] - _EMPHASIS * x_S[:-1]])
    columns = 1 + max(0, -(-(len(x_S) - WINDOW) // HOP))
    x_S = pad(x_S, (0, (columns - 1) * HOP + WINDOW - len(x_S)))
    spectrum_KF = torch.fft.rfft(x_S.unfold(0, WINDOW, HOP), n=_FFT)
    power_KF = (spectrum_KF.real.square() + spectrum_KF.imag.square()) / _FFT
    bands_KM = _audible(power_KF @ _filters(x_S.device)).log()
    cepstra_KC = bands_KM @ _transform(x_S.device)
    cepstra_KC[:, 0] = _audible(power_KF.sum(dim=1)).log()
    return cepstra_KC.t().float()


def _audible(power: Tensor) -> Tensor:
    """Exact silence becomes the smallest step of float64, so that its logarithm exists."""
    return torch.where(power == 0.0, torch.finfo(torch.float64).eps, power)


def _filters(device: torch.device) -> Tensor:
    """Triangles [F, M] between whole bins, equally spaced in mel."""
    top = 2_595.0 * math.log10(1.0 + SAMPLE_RATE / 2 / 700.0)
    hertz = 700.0 * (10.0 ** (torch.linspace(0.0, top, _FILTERS + 2, dtype=torch.float64) / 2_595.0) - 1.0)
    # A hair above: the edges of the highest filter fall on a whole bin exactly.
    edges = torch.floor((_FFT + 1) * hertz / SAMPLE_RATE + 1e-9)
    bins = torch.arange(_FFT // 2 + 1, dtype=torch.float64)[:, None]
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return torch.minimum(rise, fall).clamp(min=0.0).to(device)


def _transform(device: torch.device) -> Tensor:
    """DCT-II of ``_FILTERS`` bands with the lifter applied, [M, C]."""
    order = torch.arange(COEFFICIENTS, dtype=torch.float64)
    place = torch.arange(_FILTERS, dtype=torch.float64)[:, None]
    basis = torch.cos(math.pi * order * (place + 0.5) / _FILTERS) * math.sqrt(2.0 / _FILTERS)
    basis[:, 0] *= math.sqrt(0.5)
    return (basis * (1.0 + _LIFTER / 2.0 * torch.sin(math.pi * order / _LIFTER))).to(device)
