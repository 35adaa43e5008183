"""What the student is told about its mouths beside the error of x0: how they look, and what shape a reader sees in them.

Legend: B clips, R rows of clips, Z latent channels, T latent frames, h/w latent side, V video frames, P shape parameters,
N pictures (four frames of one latent).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from .losses import picture_loss
from .mouth_pictures import MouthPictures
from .mouth_reader import MouthReader, shapes_of
from .optimise import Parts


@dataclass(frozen=True, slots=True)
class MouthWeights:
    """How much mouths count.

    Attributes:
        picture: weight of the decoded mouth's error.
        edges: weight, within it, of the differences between neighbouring pixels.
        reading: weight of the mouth shape's error.
        veil: deviation of the noise under which decoded mouths are read.
        shown: latents of each clip that are decoded.
        parameters: relative weight of each shape parameter: viseme parameters, drawn opening, drawn width.
    """

    picture: float = 1.0
    edges: float = 0.5
    reading: float = 0.08
    veil: float = 0.06
    shown: int = 1
    parameters: tuple[float, ...] = (2.0, 2.0, 1.0, 1.0, 1.0, 0.5, 0.5, 2.0, 2.0)


@dataclass(frozen=True, slots=True)
class Mouths:
    """The target mouths of some clips.

    Attributes:
        pictures: of the clips.
        reader: trained, frozen.
        shapes_RVP: of the target mouths, as the reader's ``standardise`` gives them.
        weights: of the parts.
    """

    pictures: MouthPictures
    reader: MouthReader
    shapes_RVP: Tensor
    weights: MouthWeights

    def parts(self, x0_BZThw: Tensor, rows: Tensor, noisy_BT: Tensor) -> Parts:
        """Errors of a few decoded mouths; see ``MouthPictures.some``."""
        weights = self.weights
        shown = self.pictures.some(x0_BZThw, rows, noisy_BT, weights.shown)
        read = self.reader(shown.made + weights.veil * torch.randn_like(shown.made))
        wrong = (read - shapes_of(self.shapes_RVP, shown.rows, shown.latents)).square()
        parameters = wrong.new_tensor(weights.parameters)
        return {
            "picture": weights.picture * picture_loss(shown.made, shown.filmed, wrong.new_ones(()), weights.edges),
            "shape": weights.reading * (wrong * parameters / parameters.mean()).mean(),
        }
