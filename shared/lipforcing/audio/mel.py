"""Log-mel columns around exact times, in torch alone.

Choices:
- A column is computed where it is asked for, not on a 10 ms grid: any frame rate gets columns at its own presentation times,
  and a column depends on its own 25 ms only, so a track cut into windows gives what the whole track gives.
- The level is the loudest 40 ms within one second on either side, so a whisper and a shout look alike while a second of
  silence stays silence. It is measured on integers: sums of integers do not depend on where a window starts.

Legend: S samples (16 kHz mono), V video frames, K columns per frame, M mel bands, W samples of one analysis window, F
frequency bins, C distinct columns.
"""

import math

import torch
from torch import Tensor, nn

from lipforcing.contract import SAMPLE_RATE

MEL_BANDS = 40
WINDOW = 400  # 25 ms
HOP = 160  # 10 ms
FFT = 512
LEVEL_REACH = 1.0  # seconds on either side
LEVEL_STEP = 640  # 40 ms
QUIETEST_LEVEL = 0.004  # RMS below which a second counts as silence (-48 dBFS): nothing is amplified above 1 / this
POWER_FLOOR = 1e-5  # of the local level: 50 dB of dynamics


def mel_filters(bands: int = MEL_BANDS, low: float = 60.0, high: float = 7_600.0) -> Tensor:
    """Triangular mel filters [F, M] (HTK scale, peak 1).

    Args:
        bands: number of filters M.
        low: lower edge of the first filter in Hz.
        high: upper edge of the last filter in Hz.
    """

    def to_mel(hertz: float) -> float:
        return 2_595.0 * math.log10(1.0 + hertz / 700.0)

    edges_mel = torch.linspace(to_mel(low), to_mel(high), bands + 2, dtype=torch.float64)
    edges = 700.0 * (10.0 ** (edges_mel / 2_595.0) - 1.0)
    bins = torch.arange(FFT // 2 + 1, dtype=torch.float64)[:, None] * SAMPLE_RATE / FFT
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return torch.minimum(rise, fall).clamp(min=0.0).float()


def sample_index(times_V: Tensor) -> Tensor:
    """Seconds (float64) -> nearest sample; a hair above one half, so rounding noise in a time cannot flip it."""
    return torch.floor(times_V.double() * SAMPLE_RATE + 0.5 + 1e-4).long()


def local_level(waveform_S: Tensor, centres_V: Tensor) -> Tensor:
    """RMS of the loudest 40 ms within ``LEVEL_REACH`` of each centre, at least ``QUIETEST_LEVEL``.

    Args:
        waveform_S: [S] in [-1, 1].
        centres_V: [V] sample numbers.

    Returns:
        [V] float32.
    """
    steps = int(LEVEL_REACH * SAMPLE_RATE) // LEVEL_STEP
    whole = (waveform_S.double() * 32_768.0).round().clamp(-32_768, 32_767).long()
    total = torch.cat([whole.new_zeros(1), (whole * whole).cumsum(0)])
    starts = centres_V[:, None] + LEVEL_STEP * torch.arange(-steps, steps, device=centres_V.device)
    last = waveform_S.shape[0]
    energy = total[(starts + LEVEL_STEP).clamp(0, last)] - total[starts.clamp(0, last)]
    loudest = energy.amax(dim=1).double() / LEVEL_STEP
    return (loudest.sqrt() / 32_768.0).clamp(min=QUIETEST_LEVEL).float()


class MelColumns(nn.Module):
    """Log-mel columns every 10 ms around each video frame's time, relative to the local level.

    Args:
        reach: columns before, and after, a frame's own; K = 2 · reach + 1.
    """

    filters: Tensor
    taper: Tensor

    def __init__(self, reach: int) -> None:
        super().__init__()
        self.reach = reach
        self.register_buffer("filters", mel_filters(), persistent=False)
        self.register_buffer("taper", torch.hann_window(WINDOW), persistent=False)

    def forward(self, waveform_S: Tensor, times_V: Tensor) -> Tensor:
        """Columns around every time; the track is silent outside its samples.

        Args:
            waveform_S: [S] float, 16 kHz mono in [-1, 1].
            times_V: [V] float64 seconds from the first sample.

        Returns:
            [V, K, M] float32: 0 at the power floor, 1 at the local level.
        """
        centres_V = sample_index(times_V).to(waveform_S.device)
        offsets_K = HOP * torch.arange(-self.reach, self.reach + 1, device=waveform_S.device)
        # At 25 and 50 fps neighbouring frames share most of their columns.
        middles_C, which_VK = torch.unique(centres_V[:, None] + offsets_K, return_inverse=True)
        power_VKM = self.power(waveform_S, middles_C)[which_VK]
        return log_scale(power_VKM / local_level(waveform_S, centres_V).square()[:, None, None])

    def power(self, waveform_S: Tensor, middles_C: Tensor) -> Tensor:
        """Mel power [C, M] of the windows around sample numbers [C]."""
        last = waveform_S.shape[0]
        start = torch.arange(-(WINDOW // 2), WINDOW - WINDOW // 2, device=waveform_S.device)
        index_CW = middles_C[:, None] + start
        inside = (index_CW >= 0) & (index_CW < last)
        segments_CW = torch.where(inside, waveform_S.float()[index_CW.clamp(0, max(0, last - 1))], 0.0)
        spectrum = torch.fft.rfft(segments_CW * self.taper, n=FFT)
        power_CM: Tensor = ((spectrum.real.square() + spectrum.imag.square()) / WINDOW) @ self.filters
        return power_CM


def log_scale(power: Tensor) -> Tensor:
    """Power relative to the level -> 0 at the floor, 1 at the level (logarithmic between)."""
    return torch.log10(power + POWER_FLOOR) / -math.log10(POWER_FLOOR) + 1.0


def linear_scale(columns: Tensor) -> Tensor:
    """The inverse of ``log_scale``, at least 0."""
    return (10.0 ** ((columns - 1.0) * -math.log10(POWER_FLOOR)) - POWER_FLOOR).clamp(min=0.0)
