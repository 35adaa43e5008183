"""One identity painted under one light: the textures and displacement tables that every frame is drawn from."""

import numpy as np

from . import features, hair
from .canonical import F32, U8, Y_MIN, Canvas, canvas
from .identity import Identity
from .shape import Fields, invert, mouth_fields, proportions, sample, table_height
from .skin import Light, albedo, shade
from .texture import srgb

_LIDS = (0.0, 0.3, 0.6, 0.85, 1.0)


class Actor:
    """A speaker ready to be drawn in any pose.

    Args:
        who: the identity.
        light: the light of the clip.
        ppc: texture resolution in pixels per centimetre; at least the pose's scale.

    Attributes:
        body: uint8 [h, w, 4] RGBA, neck and shoulders.
        body_top: where it begins (cm).
        fields: what the mouth's controls displace.
        forward: the identity's proportions, canonical to head.
        to_canonical: their inverse: canonical points on the head's grid.
        height: z in centimetres on the head's grid.
    """

    def __init__(self, who: Identity, light: Light, ppc: float) -> None:
        self.who, self.light, self.ppc = who, light, ppc
        plane = canvas(ppc)
        rng = np.random.default_rng([0xFACE, who.seed])
        skin, relief = albedo(who, plane, rng)
        lit = features.brows(who, plane, shade(skin, relief, plane, light), rng)
        self._lids, self._lids_at = self._blinks(plane, lit)
        self._head = self._paint_head(plane, skin, lit, rng)
        body, alpha = hair.body(who, plane, light, rng)
        self.body = _rgba(srgb(body), alpha)
        self.body_top = Y_MIN + int(np.argmax(alpha.max(1) > 0)) / ppc
        self.fields: Fields = mouth_fields()
        self.forward = proportions(who)
        self.to_canonical = invert(self.forward)
        self.height = sample(table_height(), self.to_canonical)

    def head(self, blink: float) -> U8:
        """The head's texture, uint8 [h, w, 4] RGBA, with the lids closed by `blink` 0..1; valid until the next call."""
        level = int(np.argmin(np.abs(np.asarray(_LIDS) - blink)))
        self._head[(*self._lids_at, slice(0, 3))] = self._lids[level]
        return self._head

    def _paint_head(self, plane: Canvas, skin: F32, lit: F32, rng: np.random.Generator) -> U8:
        alpha = hair.head_mask(plane, self.who)
        face, alpha = hair.ears(self.who, plane, skin, self.light, head=lit, alpha=alpha)
        face, alpha = hair.crown(self.who, plane, self.light, rng, head=face, alpha=alpha)
        return _rgba(srgb(features.glasses(self.who, plane, face, self.light)), alpha)

    def _blinks(self, plane: Canvas, lit: F32) -> tuple[list[U8], tuple[slice, slice]]:
        part, at = plane.crop(-6.2, -4.4, 6.2, -0.4)
        pictures = []
        for closed in _LIDS:
            face = features.eyes(self.who, part, self.light, lit[at], closed)
            face = features.glasses(self.who, part, face, self.light)
            pictures.append(np.round(np.clip(srgb(face), 0, 1) * 255).astype(np.uint8))
        return pictures, at


def _rgba(image: F32, alpha: F32) -> U8:
    return np.asarray(np.round(np.clip(np.dstack([image, alpha]), 0, 1) * 255), np.uint8)
