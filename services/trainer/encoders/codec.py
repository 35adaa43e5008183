"""The tiny video codec, trained on picture crops of generated and real footage.

The network is convolutional, so it learns from 64-pixel crops, most of them around the mouth.

Legend: N clips, V video frames, H/W crop side, B batch, C colours, Z latent channels, h/w latent side, G = crop side.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, pixel_unshuffle

from lipforcing.contract import FRAMES_PER_LATENT, LATENT_CHANNELS, SPATIAL_STRIDE, mouth_mask
from lipforcing.vae.base import from_uint8
from lipforcing.vae.tiny import COLOURS, TinyCodec, pack_frames
from services.trainer.common.losses import picture_loss
from services.trainer.common.optimise import Curve, Optimisation, Parts, optimise

LATENTS = 3  # per training item: the first gives the second its memory, and the second the third
FRAMES = LATENTS * FRAMES_PER_LATENT
_EXAMPLES = 256  # crops that the principal components are taken from
_PLAIN = 0.1  # a difference, in [-1, 1], that is plain to see
_UNIT = 0.01  # weight of the latents' power, which must stay 1 for the noise to mean anything


@dataclass(frozen=True, slots=True)
class CodecStage:
    """How the codec is trained.

    Attributes:
        plan: of both halves from the start, the latents normalised batch by batch.
        settled: of both halves with the statistics of latents stored; same batch.
        decoder: of the decoder alone, afterwards; same batch.
        crop: side of the training crops in pixels, a multiple of 8.
        noise: standard deviation of the noise on the (unit variance) latents: what the student gets wrong must not shatter.
        mouth: extra weight of the mouth region.
        moving: extra weight, once settled, of what differs by ``_PLAIN`` from the mean of its latent's four frames: a mouth
            that opens for one frame is little of a picture's error, and the first thing that four frames in one latent lose.
        edges: weight of the edge term.
        masked: share of the items whose mouth region is grey, as the student's second stream is.
        first_latents: share of the items that begin a stream (frame 0 repeated).
    """

    plan: Optimisation
    settled: Optimisation
    decoder: Optimisation
    crop: int = 64
    noise: float = 0.04
    mouth: float = 4.0
    moving: float = 6.0
    edges: float = 0.5
    masked: float = 0.2
    first_latents: float = 0.15


class CodecBatches:
    """Random crops of random clips, uint8 [N, V, H, W, 3]."""

    def __init__(self, clips_NVHWC: NDArray[np.uint8], stage: CodecStage, seed: int) -> None:
        self._clips, self._stage = clips_NVHWC, stage
        self._random = np.random.default_rng(seed)
        self._mask = mouth_mask(clips_NVHWC.shape[2])

    def draw(self) -> tuple[Tensor, Tensor]:
        """Frames [B, 3, 12, G, G] in [-1, 1] and the mouth region [B, G, G] (1 inside)."""
        items = [self._item() for _ in range(self._stage.plan.batch)]
        frames = from_uint8(torch.from_numpy(np.stack([frames for frames, _, _ in items])))
        mouth = torch.from_numpy(np.stack([mouth for _, mouth, _ in items])).float()
        grey = torch.tensor([hidden for _, _, hidden in items]).float()
        return frames * (1.0 - mouth * grey[:, None, None])[:, None, None], mouth

    def _item(self) -> tuple[NDArray[np.uint8], NDArray[np.bool_], bool]:
        random, crop = self._random, self._stage.crop
        count, length, side = self._clips.shape[:3]
        clip = self._clips[random.integers(count)]
        if random.random() < self._stage.first_latents:
            picked = np.concatenate([np.zeros(2 * FRAMES_PER_LATENT, int), np.arange(1, 1 + FRAMES_PER_LATENT)])
        else:
            picked = (
                1 + FRAMES_PER_LATENT * random.integers((length - 1) // FRAMES_PER_LATENT - LATENTS + 1) + np.arange(FRAMES)
            )
        most = (side - crop) // SPATIAL_STRIDE
        top = most if random.random() < 0.5 else random.integers(most + 1)
        top = max(0, top - random.integers(3)) * SPATIAL_STRIDE
        left = random.integers(most + 1) * SPATIAL_STRIDE
        window = np.s_[top : top + crop, left : left + crop]
        return clip[picked][:, *window], self._mask[window], bool(random.random() < self._stage.masked)


def codec_loss(codec: TinyCodec, x_BCVHW: Tensor, mouth_BHW: Tensor, stage: CodecStage, *, settled: bool) -> Parts:
    """Reconstruction of the last two of three latents, each decoded with the one before it; frames [B, 3, 12, G, G] in [-1, 1].

    ``settled`` latents are normalised by the stored statistics, and what moves counts more; others by those of the batch.
    """
    frames_NFHW = pack_frames(x_BCVHW).contiguous(memory_format=torch.channels_last)
    with torch.autocast(x_BCVHW.device.type, torch.bfloat16):
        raw_NZhw = codec.encoder(frames_NFHW).float()
        if settled:
            clean_NZhw = (raw_NZhw - codec.mean[:, None, None]) / codec.std[:, None, None]
        else:
            std, mean = torch.std_mean(raw_NZhw, dim=(0, 2, 3), keepdim=True)
            clean_NZhw = (raw_NZhw - mean) / (std + 1e-4)
        z_NZhw = clean_NZhw + stage.noise * torch.randn_like(clean_NZhw)
        z_BTZhw = z_NZhw.reshape(-1, LATENTS, *z_NZhw.shape[1:])
        now, before = z_BTZhw[:, 1:].flatten(0, 1), z_BTZhw[:, :-1].flatten(0, 1)
        decoded = codec.decoder(now, before).float()
    wanted = pack_frames(x_BCVHW[:, :, FRAMES_PER_LATENT:])
    weight = 1.0 + stage.mouth * mouth_BHW.repeat_interleave(LATENTS - 1, dim=0)[:, None]
    if not settled:
        return {"picture": picture_loss(decoded, wanted, weight, stage.edges)}
    power_Z = clean_NZhw.square().mean(dim=(0, 2, 3))
    return {
        "picture": picture_loss(decoded, wanted, weight * (1.0 + stage.moving * motion(wanted)), stage.edges),
        "power": _UNIT * (power_Z - 1.0).square().mean(),
    }


def motion(x_NFHW: Tensor) -> Tensor:
    """How plainly every frame of a latent differs, at or beside a pixel, from the mean of its four: [N, 12, H, W], 0 to 1.5."""
    frames = x_NFHW.unflatten(1, (FRAMES_PER_LATENT, COLOURS))
    apart_NVHW = (frames - frames.mean(dim=1, keepdim=True)).abs().mean(dim=2)
    plain = (max_pool2d(apart_NVHW, 3, stride=1, padding=1) / _PLAIN).clamp(max=1.5)
    return plain.repeat_interleave(COLOURS, dim=1)


@torch.no_grad()
def start_linear(codec: TinyCodec, x_BCVHW: Tensor) -> None:
    """Set the linear path to the principal components of crops [B, 3, 4T, G, G], and the convolutions to add nothing yet."""
    patches = pixel_unshuffle(pack_frames(x_BCVHW), SPATIAL_STRIDE).movedim(1, -1).flatten(0, -2)
    mean = patches.mean(dim=0)
    spread, axes = torch.linalg.eigh(torch.cov(patches.T))
    scale = spread[-LATENT_CHANNELS:].sqrt()
    axes = axes[:, -LATENT_CHANNELS:]
    encoder, decoder = codec.encoder.linear, codec.decoder.linear
    encoder.weight.copy_((axes / scale).T[:, :, None, None])
    _bias(encoder).copy_(-(mean @ (axes / scale)))
    decoder.weight.copy_((axes * scale)[:, :, None, None])
    _bias(decoder).copy_(mean)
    for last in (codec.encoder.out, codec.decoder.out):
        last.weight.mul_(0.05)
        _bias(last).zero_()


def _bias(layer: nn.Conv2d) -> Tensor:
    """The layer's bias, which all of the codec's convolutions have."""
    return cast("Tensor", layer.bias)


@torch.no_grad()
def fix_statistics(codec: TinyCodec, clips_NVHWC: NDArray[np.uint8]) -> None:
    """Set the codec's stored mean and deviation to those of its raw latents over some 64 whole clips."""
    codec.mean.zero_()
    codec.std.fill_(1.0)
    step = max(1, len(clips_NVHWC) // 64)
    raw = torch.cat([codec.encode(from_uint8(torch.from_numpy(clip[None]))) for clip in clips_NVHWC[::step]])
    std, mean = torch.std_mean(raw, dim=(0, 2, 3, 4))
    codec.mean.copy_(mean)
    codec.std.copy_(std)


def train_codec(clips_NVHWC: NDArray[np.uint8], stage: CodecStage, seed: int) -> tuple[TinyCodec, dict[str, Curve]]:
    """A codec for footage like ``clips_NVHWC`` (uint8 [N, V, H, W, 3], V = 1 + 4k).

    First both halves from the start, the latents being normalised batch by batch. Then their statistics are stored and both go
    on. Then the encoder is fixed, and with it what a latent means, and the decoder goes on alone.
    """
    torch.manual_seed(seed)
    codec = TinyCodec().to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it
    batches = CodecBatches(clips_NVHWC, stage, seed)
    start_linear(codec, torch.cat([batches.draw()[0] for _ in range(-(-_EXAMPLES // stage.plan.batch))]))
    both = optimise(codec, lambda _: codec_loss(codec, *batches.draw(), stage, settled=False), stage.plan, stage="codec")
    fix_statistics(codec, clips_NVHWC)
    curves = {"both": both}
    for name, plan in (("settled", stage.settled), ("decoder", stage.decoder)):
        codec.encoder.requires_grad_(requires_grad=name == "settled")
        curves[name] = optimise(codec, lambda _: codec_loss(codec, *batches.draw(), stage, settled=True), plan, stage=name)
    return codec.eval().to(memory_format=torch.contiguous_format), curves
