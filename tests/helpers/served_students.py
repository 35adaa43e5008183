"""Small students with random weights, and version folders that hold them."""

from pathlib import Path

import torch

from lipforcing.network import LipNetwork
from lipforcing.presets import StudentConfig
from lipforcing.vae.tiny import TinyCodec
from lipforcing.weights.folder import join_parts, write_folder

CONFIG = StudentConfig(dim=64, ffn=128, heads=2, layers=4, text_dim=6, text_len=3, audio_input=5, latent=4)


def random_network() -> LipNetwork:
    torch.manual_seed(2)
    return LipNetwork(CONFIG).bfloat16().requires_grad_(requires_grad=False)


def version_folder(folder: Path, network: LipNetwork) -> Path:
    torch.manual_seed(3)
    parts = {"network": network.state_dict(), "codec": TinyCodec().state_dict(), "text": {"embedding": torch.ones(3, 6)}}
    write_folder(folder, join_parts(parts), {"model": "lip_student_tiny", "preset": "tiny", "config": CONFIG.to_json()})
    return folder
