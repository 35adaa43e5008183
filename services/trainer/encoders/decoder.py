"""The codec's decoder gets to know its student.

A student's latents are not those of footage: they are a little smoother, and wrong in ways of their own. The decoder learns
to show the filmed mouth for what the student makes. The encoder and what latents mean stay, so the student needs no
training after it; true latents are shown as well, for everything around the mouth comes from footage.

Legend: B clips, Z latent channels, T latent frames, h/w latent side.
"""

from dataclasses import dataclass

import torch

from lipforcing.network import LipNetwork
from lipforcing.rollout import Student, generate
from lipforcing.vae.tiny import TinyCodec
from services.trainer.common.losses import picture_loss
from services.trainer.common.optimise import Curve, Optimisation, Parts, optimise
from services.trainer.encoders.codec import CodecBatches, CodecStage, codec_loss, motion
from services.trainer.models.latents import ClipLatents
from services.trainer.models.mouth_pictures import MouthPictures


@dataclass(frozen=True, slots=True)
class DecoderStage:
    """How the decoder is trained.

    Attributes:
        plan: the optimisation; a sample is one clip of the student's.
        shown: latents of each clip that are decoded.
        true: weight of the error on true latents.
    """

    plan: Optimisation
    shown: int = 3
    true: float = 0.4


def train_decoder(
    pictures: MouthPictures, network: LipNetwork, clips: ClipLatents, stage: DecoderStage, footage: CodecStage, *, seed: int
) -> tuple[TinyCodec, Curve]:
    """The codec with a decoder for the student's latents, which it makes as it does when it serves: block by block.

    The codec, of ``pictures``, is changed in place; true latents are shown as in the training on ``footage``.
    """
    torch.manual_seed(seed)
    codec = pictures.codec.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]  # torch's stub lacks it
    codec.encoder.requires_grad_(requires_grad=False)
    codec.decoder.requires_grad_(requires_grad=True)
    batches = CodecBatches(pictures.crops.reshape(-1, *pictures.crops.shape[2:]), footage, seed)
    config = network.config
    student = Student.frozen(network, torch.zeros(1, config.text_len, config.text_dim))

    def loss(step: int) -> Parts:
        rows = torch.randint(len(clips), (stage.plan.batch,))
        generated_BZThw = generate(student, clips.conditions(rows, network.dtype), seed=seed + step).float()
        shown = pictures.some(generated_BZThw, rows, stage.shown)
        own = picture_loss(shown.generated, shown.filmed, 1.0 + footage.moving * motion(shown.filmed), footage.edges)
        return {"own": own, "true": stage.true * codec_loss(codec, *batches.draw(), footage, settled=True)["picture"]}

    curve = optimise(codec, loss, stage.plan, stage="decoder", report_every=100)
    return codec.eval().to(memory_format=torch.contiguous_format), curve
