"""The networks as data: one class serves every size, and a size is a row here.

Sizes of ``1.3b`` and ``14b`` are those of Wan 2.1 T2V with the OmniAvatar audio path (1,421,383,840 parameters in 857
tensors; 14,294,081,696 in 1137). ``tiny`` is ours: the same network, small enough to train and serve on two CPU cores.
"""

from dataclasses import asdict, dataclass
from typing import Any

from lipforcing.contract import LATENTS_PER_BLOCK, STUDENTS

T_LIST = (0.999, 0.769, 0.0)
# (window, sink) pairs in latent frames that the first training stage draws from with equal weight.
TRAINING_WINDOWS = ((7, 1), (10, 1), (13, 1), (9, 3), (12, 3))


@dataclass(frozen=True, slots=True)
class StudentConfig:
    """Sizes and schedule of one network.

    Attributes:
        dim: model width D.
        ffn: width of the feed-forward layer.
        heads: attention heads; ``dim / heads`` is the head width.
        layers: transformer blocks L; blocks 2 .. L/2 receive the audio bias.
        text_dim: width of one text embedding.
        text_len: tokens of the (fixed) prompt, padding included.
        audio_input: width of one video frame's speech features.
        latent: side of the square latent.
        in_dim: 16 noisy + 16 reference + 1 mask + 16 masked footage + 16 reference footage.
        out_dim: channels of the predicted flow.
        freq_dim: width of the sinusoidal timestep vector.
        audio_hidden: width of the packed audio token.
        window: latent frames that a block may look at, sink and its own included.
        sink: first latent frames of the chunk that stay visible for ever.
        t_list: timesteps of one block's denoising, high to low, the last 0 (context pass).
        rope_base: base of the rotary frequencies.
        eps: of every layer and RMS norm.
    """

    dim: int
    ffn: int
    heads: int
    layers: int
    text_dim: int
    text_len: int
    audio_input: int
    latent: int
    in_dim: int = 65
    out_dim: int = 16
    freq_dim: int = 256
    audio_hidden: int = 32
    window: int = 7
    sink: int = 1
    t_list: tuple[float, ...] = T_LIST
    rope_base: float = 10_000.0
    eps: float = 1e-6

    def __post_init__(self) -> None:
        """Refuse sizes that the network cannot have."""
        if self.dim % self.heads or (self.dim // self.heads) % 2:
            raise ValueError(f"dim {self.dim} does not split into {self.heads} heads of even width")
        if self.layers < 4 or self.layers % 2:
            raise ValueError(f"layers must be even and at least 4, not {self.layers}")
        if self.latent % 2:
            raise ValueError(f"latent side must be even, not {self.latent}")
        if self.window < self.sink + LATENTS_PER_BLOCK or self.sink < 1:
            raise ValueError(f"window {self.window} cannot hold sink {self.sink} and one block")
        if self.t_list[-1] != 0.0 or any(a <= b for a, b in zip(self.t_list, self.t_list[1:], strict=False)):
            raise ValueError(f"t_list must fall to 0, not {self.t_list}")

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.dim // self.heads

    @property
    def audio_layers(self) -> range:
        """Indices of the blocks that receive the audio bias."""
        return range(2, self.layers // 2 + 1)

    @property
    def grid(self) -> int:
        """Patch rows (= columns) of one latent frame."""
        return self.latent // 2

    @property
    def frame_tokens(self) -> int:
        """Tokens of one latent frame."""
        return self.grid * self.grid

    def to_json(self) -> dict[str, Any]:
        """The configuration as JSON values, for ``model.json``."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "StudentConfig":
        """The configuration that ``to_json`` wrote.

        Raises:
            TypeError: unknown or missing fields.
            ValueError: sizes that the network cannot have.
        """
        return cls(**{**values, "t_list": tuple(values.get("t_list", T_LIST))})


@dataclass(frozen=True, slots=True)
class TeacherConfig:
    """A bidirectional network of a student's size, and how it samples (paper section 4).

    Attributes:
        network: sizes; the same state dict as the student's.
        steps: Euler steps of a full sampling run.
        shift: of the timestep schedule.
        guidance: classifier-free guidance scale.
        guidance_steps: first and last step of the grid at which sync-window distillation applies the guidance.
    """

    network: StudentConfig
    steps: int = 50
    shift: float = 5.0
    guidance: float = 4.5
    guidance_steps: tuple[int, int] = (20, 40)


def _wan(preset: str, dim: int, ffn: int, heads: int, layers: int) -> StudentConfig:
    contract = STUDENTS[preset]
    return StudentConfig(
        dim, ffn, heads, layers, text_dim=4096, text_len=512,
        audio_input=contract.speech_features, latent=contract.latent,
    )  # fmt: skip


PRESETS = {
    "tiny": StudentConfig(
        dim=192, ffn=768, heads=6, layers=8, text_dim=64, text_len=2,
        audio_input=STUDENTS["tiny"].speech_features, latent=STUDENTS["tiny"].latent,
    ),
    "1.3b": _wan("1.3b", 1536, 8960, 12, 30),
    "14b": _wan("14b", 5120, 13_824, 40, 40),
}  # fmt: skip

TEACHERS = {name: TeacherConfig(config) for name, config in PRESETS.items()}
